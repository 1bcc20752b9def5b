package trunkline

// What Init can be told. What is not told comes from the environment (TRUNKLINE_*) or is the default.

// #include "glue.h"
import "C"

import (
	"log/slog"
	"strings"
	"time"
)

// An Option is a choice for [Init].
type Option func(*settings)

// settings is what options leave behind: changes to the configuration of the library, and what is Go's own.
type settings struct {
	changes     []func(*C.tr_config, *cTexts)
	attachments []Attachment
	logger      *slog.Logger
	buffer      int
}

func (s *settings) change(change func(*C.tr_config, *cTexts)) { s.changes = append(s.changes, change) }

func textOption(value string, field func(*C.tr_config) **C.char) Option {
	return func(s *settings) {
		s.change(func(config *C.tr_config, texts *cTexts) { *field(config) = texts.add(value) })
	}
}

func flagOption(flag C.uint32_t) Option {
	return func(s *settings) {
		s.change(func(config *C.tr_config, _ *cTexts) { config.flags |= flag })
	}
}

func numberOption(set func(*C.tr_config)) Option {
	return func(s *settings) {
		s.change(func(config *C.tr_config, _ *cTexts) { set(config) })
	}
}

// WithDirectory sets where traces are kept: $TRUNKLINE_DIR, or ./.trunkline.
func WithDirectory(path string) Option {
	return textOption(path, func(c *C.tr_config) **C.char { return &c.directory })
}

// WithRecorderDirectory sets where the recorder file lies, for example /dev/shm.
func WithRecorderDirectory(path string) Option {
	return textOption(path, func(c *C.tr_config) **C.char { return &c.recorder_directory })
}

// WithServiceName names the service that records; the default is the program's name.
func WithServiceName(name string) Option {
	return textOption(name, func(c *C.tr_config) **C.char { return &c.service_name })
}

// WithProcessors names the built-in processors to start with; without a name there is none. The default is "local".
func WithProcessors(names ...string) Option {
	joined := strings.Join(names, ",")
	if joined == "" {
		joined = "none"
	}
	return textOption(joined, func(c *C.tr_config) **C.char { return &c.processors })
}

// WithProcessor adds a processor when the library has started, beside those of WithProcessors.
func WithProcessor(attachments ...Attachment) Option {
	return func(s *settings) { s.attachments = append(s.attachments, attachments...) }
}

// WithMaxMemory limits the recorder's memory; 64 MiB.
func WithMaxMemory(bytes uint64) Option {
	return numberOption(func(c *C.tr_config) { c.max_memory = C.uint64_t(bytes) })
}

// WithMaxDisk limits the log, beyond which the slowest processor loses its oldest records; 1 GiB.
func WithMaxDisk(bytes uint64) Option {
	return numberOption(func(c *C.tr_config) { c.max_disk = C.uint64_t(bytes) })
}

// WithMaxValueBytes sets the length beyond which a value is cut; 16 MiB.
func WithMaxValueBytes(bytes uint64) Option {
	return numberOption(func(c *C.tr_config) { c.max_value_bytes = C.uint64_t(bytes) })
}

// WithMaxAttributes limits the attributes of a span, trace or event; 1,024.
func WithMaxAttributes(count uint32) Option {
	return numberOption(func(c *C.tr_config) { c.max_attributes = C.uint32_t(count) })
}

// Durability is where finished records are kept until every durable processor has them.
type Durability uint32

const (
	DurabilityMemory Durability = C.TR_DURABILITY_MEMORY // no log on disk
	DurabilityLog    Durability = C.TR_DURABILITY_LOG    // survives kill -9; the default
	DurabilityFsync  Durability = C.TR_DURABILITY_FSYNC  // survives the machine
)

// WithDurability chooses where finished records are kept.
func WithDurability(durability Durability) Option {
	return numberOption(func(c *C.tr_config) { c.durability = C.tr_durability(durability) })
}

// WithRecorderInMemory keeps records off the disk until they are logged: a kill loses some milliseconds.
func WithRecorderInMemory() Option {
	return numberOption(func(c *C.tr_config) { c.recorder = C.TR_RECORDER_MEMORY })
}

// WithoutContent records names, kinds, times, numbers and well-known metric fields only.
func WithoutContent() Option {
	return numberOption(func(c *C.tr_config) { c.content = C.TR_CONTENT_OFF })
}

// WithBlocking lets a caller wait when memory is used up, instead of dropping new spans at once.
func WithBlocking(timeout time.Duration) Option {
	return numberOption(func(c *C.tr_config) {
		c.overflow, c.block_timeout_ms = C.TR_OVERFLOW_BLOCK, milliseconds(timeout)
	})
}

// WithSampleRatio sets the share of traces that are recorded; 1.
func WithSampleRatio(ratio float64) Option {
	return numberOption(func(c *C.tr_config) { c.sample_ratio = C.double(ratio) })
}

// WithRedactKeys adds keys whose values are not recorded.
func WithRedactKeys(keys ...string) Option {
	return textOption(strings.Join(keys, ","), func(c *C.tr_config) **C.char { return &c.redact_keys })
}

// WithRedactPatterns adds patterns that are hidden in texts: "acme-*" hides "acme-" and the token that follows.
func WithRedactPatterns(patterns ...string) Option {
	return textOption(strings.Join(patterns, ","), func(c *C.tr_config) **C.char { return &c.redact_patterns })
}

// WithoutDefaultRedaction starts with empty lists of redacted keys and patterns.
func WithoutDefaultRedaction() Option { return flagOption(C.TR_CONFIG_NO_DEFAULT_REDACTION) }

// WithDisabled records nothing; every call is cheap.
func WithDisabled() Option { return flagOption(C.TR_CONFIG_DISABLED) }

// WithoutAdoption leaves what dead processes left behind to others.
func WithoutAdoption() Option { return flagOption(C.TR_CONFIG_NO_ADOPTION) }

// WithLogger sends the library's own messages, and failures of processors, to a logger. Its handler must not block and
// must not record. The default is standard error, and slog.Default() for processors.
func WithLogger(logger *slog.Logger) Option { return func(s *settings) { s.logger = logger } }

// A LogLevel is the least severity of the library's own messages.
type LogLevel uint32

const (
	LogOff   LogLevel = C.TR_LEVEL_OFF
	LogError LogLevel = C.TR_LEVEL_ERROR
	LogWarn  LogLevel = C.TR_LEVEL_WARN
	LogInfo  LogLevel = C.TR_LEVEL_INFO
	LogDebug LogLevel = C.TR_LEVEL_DEBUG
)

// WithLogLevel sets which messages are said; LogWarn.
func WithLogLevel(level LogLevel) Option {
	return numberOption(func(c *C.tr_config) { c.log_level = C.tr_level(level) })
}

// WithEndGrace sets how long open spans of an ended trace may still end; 2 s.
func WithEndGrace(grace time.Duration) Option {
	return numberOption(func(c *C.tr_config) { c.end_grace_ms = milliseconds(grace) })
}

// WithAttributeBuffer sets how many bytes of attributes of one span wait in Go to cross to the library together; 4,096.
// 0: each call crosses at once, so that a crash takes none of them.
func WithAttributeBuffer(bytes int) Option { return func(s *settings) { s.buffer = bytes } }

func milliseconds(duration time.Duration) C.uint32_t {
	const most = 1<<32 - 1
	return C.uint32_t(min(max(duration.Milliseconds(), 0), most))
}
