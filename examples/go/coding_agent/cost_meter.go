package main

// A processor of our own beside the local store: a line for each generation as it ends, and the sum when the trace ends.
// It runs on a thread of its own, so a slow terminal does not hold up the agent.

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	trunkline "trunkline.dev/go"
)

// A price is dollars for a million tokens.
type price struct{ input, output float64 }

func (p *price) String() string { return fmt.Sprintf("%g,%g", p.input, p.output) }

// Set reads IN,OUT.
func (p *price) Set(text string) error {
	first, second, _ := strings.Cut(text, ",")
	input, inputError := strconv.ParseFloat(first, 64)
	output, outputError := strconv.ParseFloat(second, 64)
	if inputError != nil || outputError != nil || !(min(input, output) >= 0) || math.IsInf(input+output, 1) {
		return errors.New("two numbers, with a comma between them")
	}
	*p = price{input, output}
	return nil
}

type costMeter struct {
	price                      price
	out                        io.Writer
	generations, input, output int64
	cost                       float64
}

func (m *costMeter) OnRecord(record *trunkline.Record) error {
	switch {
	case record.Type == trunkline.RecordTraceEnd:
		fmt.Fprintf(m.out, "meter: total of %d generations, %d tokens in, %d out, $%.6f\n", m.generations, m.input, m.output,
			m.cost)
	case record.Type == trunkline.RecordSpanEnd && record.Kind == trunkline.KindGeneration:
		m.add(record)
	}
	return nil
}

func (m *costMeter) add(record *trunkline.Record) {
	input, output := max(record.Usage.Input, 0), max(record.Usage.Output, 0)
	cost := (float64(input)*m.price.input + float64(output)*m.price.output) / 1e6
	m.generations++
	m.input += input
	m.output += output
	m.cost += cost
	failed := ""
	if record.Failed() {
		failed = ", failed"
	}
	fmt.Fprintf(m.out, "meter: generation %d, %d tokens in, %d out, $%.6f, %.1f ms%s\n", m.generations, input, output, cost,
		float64(record.Duration().Nanoseconds())/1e6, failed)
}
