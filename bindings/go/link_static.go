//go:build trunkline_static

package trunkline

// The static archive, named so that the shared library beside it is not taken: what pkg-config adds of that is dropped,
// because nothing is left that needs it.

// #cgo pkg-config: --static trunkline
// #cgo LDFLAGS: -Wl,--as-needed -l:libtrunkline.a
import "C"

const linkedStatically = true
