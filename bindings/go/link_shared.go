//go:build !trunkline_static

package trunkline

// The shared library, as pkg-config finds it. The program needs it at run time, where the system's loader looks.

// #cgo pkg-config: trunkline
import "C"

const linkedStatically = false
