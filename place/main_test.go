package place_test

import (
	"testing"

	"ocapi/cmd/ocapi/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }
