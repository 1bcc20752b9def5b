// A program outside of the repository, as one that uses the package.
package main

import (
	"context"
	"fmt"
	"os"

	trunkline "trunkline.dev/go"
)

func main() {
	if err := trunkline.Init(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, trace := trunkline.StartTrace(context.Background(), "from outside")
	_, span := trunkline.Start(ctx, "span", trunkline.String("key", "value"))
	span.End()
	trace.End()
	if err := trunkline.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
