module trunkline.dev/bench/trunkline_go

go 1.24

require trunkline.dev/go v0.0.0
