package place

// Flags is where everything is kept, as the commands that work on it are told:
// a data folder, or a PostgreSQL database that several nodes share.
type Flags struct {
	Data        string `help:"The folder that holds everything the service keeps." default:"./data" env:"OCAPI_DATA" type:"path"`
	DatabaseURL string `name:"database-url" help:"The PostgreSQL database of a cluster, instead of a data folder. It may hold a password: prefer the variable." env:"OCAPI_DATABASE_URL"`

	keys KeyFlags // where the command has them; see With
}

// With gives the place with the keys that its private ids are sealed with.
func (p Flags) With(keys KeyFlags) Flags {
	p.keys = keys
	return p
}

// Shared reports whether several nodes may be using the place.
func (p Flags) Shared() bool { return p.DatabaseURL != "" }
