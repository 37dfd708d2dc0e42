package clients

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"ocapi/domain"
)

const (
	// keyBytes is AES-256's.
	keyBytes = 32

	// maxKeyIDBytes bounds the id of a key; a made one has 8 characters.
	maxKeyIDBytes = 16

	// maxKeys bounds a keyring: after a rotation the old key goes.
	maxKeys = 16

	// maxKeyringBytes bounds the file, comments and all.
	maxKeyringBytes = 64 << 10

	// sealedVersion begins every sealed private id.
	sealedVersion = "v1"

	// sealedFor binds what is sealed to what it is for.
	sealedFor = "ocapi private id 1\x00"
)

// ErrNoKey says that there are no keys to seal or to open private ids with.
var ErrNoKey = errors.New("private ids are kept sealed, and no key for them is given; name the file of the keys with --secrets-key-file or OCAPI_SECRETS_KEY_FILE, or give them in OCAPI_SECRETS_KEY (a new one is made by: ocapi client key new)")

// Keyring holds the keys that private ids are sealed with in the database. The
// first one seals, all of them open: a new key is put before the old one, which
// can go when everything is sealed anew. It never changes and is safe for
// concurrent use. No formatting prints a key. Nil is a keyring without keys.
//
// What is sealed is AES-256-GCM with a random nonce, as crypto/cipher has it; the
// client and the secret's id are authenticated with it, so that no row can be put
// in another's place.
type Keyring struct {
	ids  []string
	aead map[string]cipher.AEAD
}

// ParseKeyring reads keys as they stand in a file or a variable: "ID:KEY" each,
// with white space or commas between them, KEY being 64 hexadecimal digits. From
// "#" on a line is a comment. Errors say which key is wrong, and never its digits.
func ParseKeyring(text string) (*Keyring, error) {
	k := &Keyring{aead: map[string]cipher.AEAD{}}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r <= ' ' }) {
			if err := k.add(word); err != nil {
				return nil, fmt.Errorf("key %d: %w", len(k.ids)+1, err)
			}
		}
	}
	if len(k.ids) == 0 {
		return nil, errors.New("there is no key in it; a key is ID:KEY, as ocapi client key new prints it")
	}
	return k, nil
}

func (k *Keyring) add(word string) error {
	id, digits, ok := strings.Cut(word, ":")
	switch {
	case !ok:
		return errors.New("it is not of the form ID:KEY")
	case !validKeyID(id):
		return fmt.Errorf("its id is not 1 to %d letters from a to z and digits", maxKeyIDBytes)
	case k.aead[id] != nil:
		return fmt.Errorf("the id %s is there twice", id)
	case len(k.ids) == maxKeys:
		return fmt.Errorf("there are more than %d keys", maxKeys)
	}
	key, err := hex.DecodeString(digits)
	if err != nil || len(key) != keyBytes { // the error would tell a digit
		return fmt.Errorf("the key %s is not %d hexadecimal digits", id, 2*keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	k.ids, k.aead[id] = append(k.ids, id), aead
	return nil
}

func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyIDBytes {
		return false
	}
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// NewKey makes a key, in the form that [ParseKeyring] reads.
func NewKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // documented never to fail: it ends the program instead
	return strings.ToLower(rand.Text()[:8]) + ":" + hex.EncodeToString(key)
}

// First is the id of the key that seals; empty where there is none.
func (k *Keyring) First() string {
	if k == nil || len(k.ids) == 0 {
		return ""
	}
	return k.ids[0]
}

// Format implements [fmt.Formatter]: no verb prints a key.
func (k *Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.describe()) }

// LogValue implements [slog.LogValuer] without the keys.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.describe()) }

func (k *Keyring) describe() string {
	if k == nil {
		return "no keys"
	}
	return "keys " + strings.Join(k.ids, ", ")
}

// seal gives the stored form of a private id. The error is [ErrNoKey].
func (k *Keyring) seal(client domain.ClientID, secretID, printed string) (string, error) {
	first := k.First()
	if first == "" {
		return "", ErrNoKey
	}
	sealed := k.aead[first].Seal(nil, nil, []byte(printed), sealedTo(client, secretID))
	return sealedVersion + "." + first + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// open gives the private id of a stored form.
func (k *Keyring) open(client domain.ClientID, secretID, sealed string) (string, error) {
	id, text, err := splitSealed(sealed)
	if err != nil {
		return "", err
	}
	if k.First() == "" {
		return "", ErrNoKey
	}
	aead := k.aead[id]
	if aead == nil {
		return "", fmt.Errorf("it is sealed with the key %s, which is not among those that were given (%s)", id, strings.Join(k.ids, ", "))
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", errors.New("what is stored is damaged")
	}
	printed, err := aead.Open(nil, nil, body, sealedTo(client, secretID))
	if err != nil {
		return "", fmt.Errorf("the key %s does not open it: it is another key of that name, or what is stored was changed", id)
	}
	return string(printed), nil
}

// sealedWith is the id of the key that a stored form needs.
func sealedWith(sealed string) string {
	id, _, _ := splitSealed(sealed)
	return id
}

func splitSealed(sealed string) (id, text string, err error) {
	version, rest, _ := strings.Cut(sealed, ".")
	id, text, ok := strings.Cut(rest, ".")
	if version != sealedVersion || !ok || !validKeyID(id) {
		return "", "", errors.New("it is stored in a form that this program does not know")
	}
	return id, text, nil
}

// sealedTo is what is authenticated beside a private id. Ids have no zero bytes.
func sealedTo(client domain.ClientID, secretID string) []byte {
	return []byte(sealedFor + string(client) + "\x00" + secretID)
}

// ReadKeyring reads a file of keys. A file that others than its owner may change
// or read is read all the same, as secrets are that containers mount; warn, where
// it is not nil, is told. When there is no such file the error is
// [os.ErrNotExist]. Errors name the file.
func ReadKeyring(path string, warn func(string)) (*Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of private ids: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the keys of private ids: %w", err)
	}
	if warn != nil && info.Mode().Perm()&0o077 != 0 {
		warn(fmt.Sprintf("the keys of private ids in %s may be read by others than its owner (mode %04o)", path, info.Mode().Perm()))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyringBytes))
	if err != nil {
		return nil, fmt.Errorf("read the keys of private ids: %w", err)
	}
	k, err := ParseKeyring(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the keys of private ids in %s: %w", path, err)
	}
	return k, nil
}

// keyFileHead begins a file of keys that the program has made.
const keyFileHead = `# Keys of Ocapi: the private ids of clients are sealed with the first, and opened
# with all. Without this file no partner can ask for a verdict. Keep a copy of it
# in a safe place, and not beside copies of the database.
`

// AddKey puts a new key first into a file of keys, which it makes, with
// permissions 0600, where there is none; first is false to put it last instead.
// The file is whole at every moment. It gives the key's id.
func AddKey(path string, first bool) (id string, err error) {
	key := NewKey()
	id, _, _ = strings.Cut(key, ":")
	before, err := os.ReadFile(path)
	text := keyFileHead + key + "\n"
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("add a key: %w", err)
	default:
		if _, err := ParseKeyring(string(before)); err != nil {
			return "", fmt.Errorf("add a key to %s: %w", path, err)
		}
		rest := strings.TrimPrefix(string(before), keyFileHead)
		if first {
			text = keyFileHead + key + "\n" + rest
		} else {
			text = strings.TrimRight(string(before), "\n") + "\n" + key + "\n"
		}
	}
	if err := writeWhole(path, text); err != nil {
		return "", fmt.Errorf("add a key: %w", err)
	}
	return id, nil
}

// writeWhole replaces a file, or makes it, on disk when it returns.
func writeWhole(path, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.WriteString(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The name is on disk when the folder is.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
