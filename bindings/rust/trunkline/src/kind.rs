//! What a span is: a kind decides how sinks present it, nothing else.

use trunkline_sys as sys;

/// The kind of a span. Numbers that the library does not know pass through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kind(pub u32);

macro_rules! kinds {
    ($($name:ident $constant:ident $text:literal;)*) => {
        impl Kind {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: Kind = Kind(sys::$constant);
            )*

            /// The kind of this name, as the library's conventions have it.
            pub fn named(name: &str) -> Option<Kind> {
                match name {
                    $($text => Some(Kind::$name),)*
                    _ => None,
                }
            }

            /// Its name; of a number that is not known, none.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Kind::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    CUSTOM TR_KIND_CUSTOM "custom";
    WORKFLOW TR_KIND_WORKFLOW "workflow";
    AGENT TR_KIND_AGENT "agent";
    STEP TR_KIND_STEP "step";
    GENERATION TR_KIND_GENERATION "generation";
    REASONING TR_KIND_REASONING "reasoning";
    MESSAGE TR_KIND_MESSAGE "message";
    TOOL TR_KIND_TOOL "tool";
    ACT TR_KIND_ACT "act";
    MCP TR_KIND_MCP "mcp";
    DECIDE TR_KIND_DECIDE "decide";
    PARSE TR_KIND_PARSE "parse";
    REDUCE TR_KIND_REDUCE "reduce";
    CRITIC TR_KIND_CRITIC "critic";
    GUARDRAIL TR_KIND_GUARDRAIL "guardrail";
    HANDOFF TR_KIND_HANDOFF "handoff";
    DELEGATE TR_KIND_DELEGATE "delegate";
    FANOUT TR_KIND_FANOUT "fanout";
    RETRIEVAL TR_KIND_RETRIEVAL "retrieval";
    EMBEDDING TR_KIND_EMBEDDING "embedding";
    RERANK TR_KIND_RERANK "rerank";
    CHUNK TR_KIND_CHUNK "chunk";
    SPEECH_IN TR_KIND_SPEECH_IN "speech_in";
    SPEECH_OUT TR_KIND_SPEECH_OUT "speech_out";
    GROUP TR_KIND_GROUP "group";
    MEMORY TR_KIND_MEMORY "memory";
    ATTACHMENT TR_KIND_ATTACHMENT "attachment";
}
