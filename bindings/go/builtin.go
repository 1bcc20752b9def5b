package trunkline

// The processors of the library, with their options. What is left out has the default that the library gives it.

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
)

// LocalOptions are those of the local store.
type LocalOptions struct {
	Path     string `json:"path,omitempty"`
	MaxBytes int64  `json:"max_bytes,omitempty"`
}

// Local is the local store, which the program trunkline reads.
func Local(options LocalOptions) Attachment { return BuiltIn("local", options) }

// JSONL is a file with a record a line. An empty path: traces.jsonl in the directory.
func JSONL(path string) Attachment {
	return BuiltIn("jsonl", struct {
		Path string `json:"path,omitempty"`
	}{path})
}

// ConsoleOptions are those of the console.
type ConsoleOptions struct {
	Stream string `json:"stream,omitempty"` // stderr or stdout
	Color  string `json:"color,omitempty"`  // auto, always or never
}

// Console is a readable tree on a stream.
func Console(options ConsoleOptions) Attachment { return BuiltIn("console", options) }

// MLflowOptions are those of MLflow; what is not given is taken from MLflow's own variables.
type MLflowOptions struct {
	TrackingURI          string            `json:"tracking_uri,omitempty"`
	ExperimentName       string            `json:"experiment_name,omitempty"`
	ExperimentID         string            `json:"experiment_id,omitempty"`
	RunName              string            `json:"run_name,omitempty"`
	RunID                string            `json:"run_id,omitempty"`
	Tags                 map[string]string `json:"tags,omitempty"`
	AutoEndRun           *bool             `json:"auto_end_run,omitempty"`
	Traces               *bool             `json:"traces,omitempty"`
	Username             string            `json:"username,omitempty"`
	Password             string            `json:"password,omitempty"`
	Token                string            `json:"token,omitempty"`
	TLSCA                string            `json:"tls_ca,omitempty"`
	TLSClientCertificate string            `json:"tls_client_certificate,omitempty"`
	TLSInsecure          bool              `json:"tls_insecure,omitempty"`
	TimeoutMS            int               `json:"timeout_ms,omitempty"`
}

// MLflow makes a run for each trace, at a server or in files.
func MLflow(options MLflowOptions) Attachment { return BuiltIn("mlflow", options) }

// WandbOptions are those of W&B; what is not given is taken from W&B's own variables.
type WandbOptions struct {
	Project    string         `json:"project,omitempty"`
	Entity     string         `json:"entity,omitempty"`
	Name       string         `json:"name,omitempty"`
	Config     map[string]any `json:"config,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	Group      string         `json:"group,omitempty"`
	JobType    string         `json:"job_type,omitempty"`
	Notes      string         `json:"notes,omitempty"`
	ID         string         `json:"id,omitempty"`
	Resume     string         `json:"resume,omitempty"`
	AutoFinish *bool          `json:"auto_finish,omitempty"`
	TraceTree  bool           `json:"trace_tree,omitempty"`
	Mode       string         `json:"mode,omitempty"` // online, offline or disabled
	Dir        string         `json:"dir,omitempty"`
	BaseURL    string         `json:"base_url,omitempty"`
	APIKey     string         `json:"api_key,omitempty"`
	TLSCA      string         `json:"tls_ca,omitempty"`
	TimeoutMS  int            `json:"timeout_ms,omitempty"`
	IntervalMS int            `json:"interval_ms,omitempty"`
}

// Wandb makes a run for each trace at W&B; without a key, runs are written to files.
func Wandb(options WandbOptions) Attachment { return BuiltIn("wandb", options) }

// FamilyPreset is what an agent for a family of models, found by its name or a model's, is commonly set up with: for the
// config of runs.
func FamilyPreset(model string) (map[string]any, error) {
	data, size := text(model)
	found := C.tr_family_preset(data, size)
	if found == nil {
		return nil, &Error{ErrNotFound, "no family of models is known for " + model}
	}
	var preset map[string]any
	err := json.Unmarshal([]byte(C.GoString(found)), &preset)
	return preset, err
}

// DownloadArtifact downloads an artifact of W&B, "entity/project/name:alias", into a folder, which is made if need be. What is
// not said of the name is taken from the options. Files that are there already with the right digest are not fetched again.
// It needs no Init, and waits until all files are there, or ctx is done; then the download may go on for a while, which does
// no harm: a file gets its name when it is whole.
func DownloadArtifact(ctx context.Context, options WandbOptions, name, folder string) error {
	encoded, err := json.Marshal(options)
	if err != nil {
		return &Error{ErrInvalid, "the options: " + err.Error()}
	}
	return beside(orBackground(ctx), func() error {
		data, size := text(string(encoded))
		artifact, artifactSize := text(name)
		into, intoSize := text(folder)
		words := C.tr_error{struct_size: C.sizeof_tr_error}
		return detailed(C.tr_wandb_download_artifact(data, size, artifact, artifactSize, into, intoSize, &words), &words)
	})
}
