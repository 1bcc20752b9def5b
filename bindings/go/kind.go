package trunkline

// #include "glue.h"
import "C"

import "strconv"

// A Kind is what a span is. It decides how sinks present the span and nothing else; unknown numbers pass through. It is
// an option of [Start].
type Kind uint32

const (
	KindCustom     Kind = C.TR_KIND_CUSTOM
	KindWorkflow   Kind = C.TR_KIND_WORKFLOW
	KindAgent      Kind = C.TR_KIND_AGENT
	KindStep       Kind = C.TR_KIND_STEP
	KindGeneration Kind = C.TR_KIND_GENERATION
	KindReasoning  Kind = C.TR_KIND_REASONING
	KindMessage    Kind = C.TR_KIND_MESSAGE
	KindTool       Kind = C.TR_KIND_TOOL
	KindAct        Kind = C.TR_KIND_ACT
	KindMCP        Kind = C.TR_KIND_MCP
	KindDecide     Kind = C.TR_KIND_DECIDE
	KindParse      Kind = C.TR_KIND_PARSE
	KindReduce     Kind = C.TR_KIND_REDUCE
	KindCritic     Kind = C.TR_KIND_CRITIC
	KindGuardrail  Kind = C.TR_KIND_GUARDRAIL
	KindHandoff    Kind = C.TR_KIND_HANDOFF
	KindDelegate   Kind = C.TR_KIND_DELEGATE
	KindFanout     Kind = C.TR_KIND_FANOUT
	KindRetrieval  Kind = C.TR_KIND_RETRIEVAL
	KindEmbedding  Kind = C.TR_KIND_EMBEDDING
	KindRerank     Kind = C.TR_KIND_RERANK
	KindChunk      Kind = C.TR_KIND_CHUNK
	KindSpeechIn   Kind = C.TR_KIND_SPEECH_IN
	KindSpeechOut  Kind = C.TR_KIND_SPEECH_OUT
	KindGroup      Kind = C.TR_KIND_GROUP
	KindMemory     Kind = C.TR_KIND_MEMORY
	KindAttachment Kind = C.TR_KIND_ATTACHMENT
)

func (Kind) startOption() {}

var kindNames = [...]string{"custom", "workflow", "agent", "step", "generation", "reasoning", "message", "tool", "act",
	"mcp", "decide", "parse", "reduce", "critic", "guardrail", "handoff", "delegate", "fanout", "retrieval", "embedding",
	"rerank", "chunk", "speech_in", "speech_out", "group", "memory", "attachment"}

// String is the name of the kind in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind-" + strconv.FormatUint(uint64(k), 10)
}

// ParseKind finds a kind by its name.
func ParseKind(name string) (Kind, bool) {
	for i, each := range kindNames {
		if each == name {
			return Kind(i), true
		}
	}
	return 0, false
}
