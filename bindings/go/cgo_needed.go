//go:build !cgo || !linux

package trunkline

// Without cgo the files that use it are left out, and the compiler names what is missed of them. This is what it says first.
type _ this_package_needs_Linux_and_cgo__a_C_compiler_and_CGO_ENABLED_1
