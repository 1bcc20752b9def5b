module trunkline.dev/examples/coding_agent

go 1.24

require trunkline.dev/go v0.0.0

replace trunkline.dev/go => ../../../bindings/go
