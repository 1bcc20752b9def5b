// A small coding agent that does real work: it makes a program with a bug, and repairs it.
//
// With OPENAI_BASE_URL set it asks that server (OPENAI_API_KEY, OPENAI_MODEL), else a planner which needs none. Exit
// code 0: the tests pass. 1: they do not. 2: it could not begin.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	trunkline "trunkline.dev/go"
)

type arguments struct {
	bug      int
	folder   string
	maxSteps int
	price    price
}

func readArguments() (arguments, error) {
	found := arguments{price: price{0.15, 0.60}}
	flags := flag.NewFlagSet("coding_agent", flag.ContinueOnError)
	flags.IntVar(&found.bug, "bug", 0, "which of 3")
	flags.StringVar(&found.folder, "dir", "", "an empty folder, or one to make")
	flags.IntVar(&found.maxSteps, "max-steps", 60, "how many steps at most")
	flags.Var(&found.price, "price", "IN,OUT: dollars for a million tokens")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return found, err
	}
	if flags.NArg() > 0 || found.bug < 1 || found.bug > len(bugs) || found.maxSteps < 1 {
		return found, fmt.Errorf("usage: coding_agent --bug 1..%d [--dir FOLDER] [--max-steps N] [--price IN,OUT]", len(bugs))
	}
	return found, nil
}

func chooseModel() (model, error) {
	url := os.Getenv("OPENAI_BASE_URL")
	if url == "" {
		fmt.Println("model: the deterministic planner, for OPENAI_BASE_URL is not set; its token counts are estimates")
		return newPlanner(), nil
	}
	name := os.Getenv("OPENAI_MODEL")
	if name == "" {
		name = "gpt-4o-mini"
	}
	made, err := newOpenAIModel(url, os.Getenv("OPENAI_API_KEY"), name)
	if err == nil {
		fmt.Printf("model: %s at the server of OPENAI_BASE_URL\n", name)
	}
	return made, err
}

func repair(given arguments, place *workspace, thinker model) report {
	ctx, trace := trunkline.StartTrace(context.Background(), "repair a program")
	defer trace.End()
	trace.Set(trunkline.Int("bug", given.bug), trunkline.String("folder", place.folder),
		trunkline.String("model", thinker.name()))
	found := newAgent(place, thinker, given.maxSteps).work(ctx)
	trace.Set(trunkline.String("stop_reason", found.stopReason))
	if !found.passed {
		trace.SetError(found.stopReason, "the tests do not pass")
	}
	return found
}

func run() (int, error) {
	given, err := readArguments()
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return 2, err
	}
	thinker, err := chooseModel()
	if err != nil {
		return 2, err
	}
	place, err := newWorkspace(given.folder, given.bug)
	if err != nil {
		return 2, err
	}
	fmt.Println("folder:", place.folder)
	meter := trunkline.Each(&costMeter{price: given.price, out: os.Stdout}, trunkline.Named("cost-meter"))
	if err := trunkline.Init(trunkline.WithProcessor(meter)); err != nil { // an agent works without its tracer, too
		fmt.Fprintln(os.Stderr, "not traced:", err)
	}
	fmt.Printf("price: $%.2f and $%.2f for a million tokens in and out\n", given.price.input, given.price.output)
	found := repair(given, place, thinker)
	if err := trunkline.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if found.passed {
		fmt.Printf("the tests pass after %d steps (%s)\n", found.steps, found.stopReason)
		return 0, nil
	}
	fmt.Printf("the tests do not pass after %d steps (%s)\n", found.steps, found.stopReason)
	return 1, nil
}

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
