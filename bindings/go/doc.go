// Package trunkline records what LLM agents do - traces, spans, runs - through the native library libtrunkline, which
// keeps it through crashes and delivers it to processors: the local store, MLflow, W&B, JSON lines, or your own in Go.
//
//	if err := trunkline.Init(); err != nil {
//		log.Print(err) // an agent works without its tracer, too
//	}
//	defer trunkline.Shutdown(context.Background())
//
//	ctx, trace := trunkline.StartTrace(context.Background(), "answer a question")
//	defer trace.End()
//
//	_, call := trunkline.Start(ctx, "chat", trunkline.KindGeneration, trunkline.String("gen_ai.provider.name", "openai"))
//	defer call.End()
//	call.SetModel("gpt-4o")
//	call.SetUsage(14, 2)
//
// The current span travels in the context.Context and nowhere else. Recording never waits and never fails: what cannot
// be recorded is counted ([Stats]). What is given wrong to a call, such as an empty key or a count of tokens below zero, is
// left out, as a rule without a count. Every method may be called from any goroutine, on nil, after End and after
// [Shutdown]: then it does nothing, or is counted as the use of a stale handle.
package trunkline
