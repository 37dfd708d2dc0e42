module ocapi/bench/alternatives/images

go 1.26.0

require (
	github.com/dchest/captcha v1.1.0
	github.com/go-chi/chi/v5 v5.2.3
	github.com/mojocn/base64Captcha v1.3.8
)

require (
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	golang.org/x/image v0.23.0 // indirect
)
