package trunkline

// Runs: containers of metrics at MLflow or W&B.

// #include "glue.h"
import "C"

import "context"

// A RunStatus is how a run ended.
type RunStatus uint32

const (
	RunFinished RunStatus = C.TR_RUN_FINISHED
	RunFailed   RunStatus = C.TR_RUN_FAILED
	RunKilled   RunStatus = C.TR_RUN_KILLED
)

// A Run is a container of metrics. Its methods may be called from any goroutine, on nil, and after Finish.
type Run struct{ handle C.tr_run }

// RunOptions are what a run begins with. All may be left out.
type RunOptions struct {
	Name, Project, Group string
	Config               []Attr
}

// StartRun starts a run, tied to the current trace, if any. The run is never nil.
func StartRun(ctx context.Context, options RunOptions) *Run {
	var trace C.tr_trace
	if n := nodeOf(ctx); n != nil {
		if n.current.trace == nil {
			return &Run{}
		}
		trace = n.current.trace.handle
	}
	name, nameSize := text(options.Name)
	project, projectSize := text(options.Project)
	group, groupSize := text(options.Group)
	list := pack(options.Config)
	return &Run{C.trgo_run_start(trace, name, nameSize, project, projectSize, group, groupSize, list.data(), list.size(),
		list.attributes(), list.arrayElements())}
}

// Recording tells whether the run was accepted.
func (r *Run) Recording() bool { return r != nil && r.handle != 0 }

// Log logs metrics of a step. Unknown: the sink counts.
func (r *Run) Log(step int64, metrics ...Attr) error { return r.set(C.TRGO_LOG, step, metrics) }

// SetSummary sets items of the summary.
func (r *Run) SetSummary(items ...Attr) error { return r.set(C.TRGO_SUMMARY, 0, items) }

// SetConfig adds to the configuration.
func (r *Run) SetConfig(items ...Attr) error { return r.set(C.TRGO_CONFIG, 0, items) }

func (r *Run) set(what C.int, step int64, items []Attr) error {
	if !r.Recording() {
		return nil
	}
	list := pack(items)
	return errorOf(C.trgo_run_set(r.handle, what, C.int64_t(step), list.data(), list.size(), list.attributes(),
		list.arrayElements()))
}

// SetTag sets a tag. An empty value is a plain tag.
func (r *Run) SetTag(key, value string) error {
	if !r.Recording() {
		return nil
	}
	data, size := text(key)
	words, length := text(value)
	return errorOf(C.tr_run_set_tag(r.handle, data, size, words, length))
}

// LogArtifact adds a file of this machine to the run's artifacts, under `path`: names with slashes between them. It is
// read when it is delivered, and must not change until then.
func (r *Run) LogArtifact(path, file string) error {
	if !r.Recording() {
		return nil
	}
	data, size := text(path)
	name, length := text(file)
	return errorOf(C.tr_run_log_artifact(r.handle, data, size, name, length))
}

// A Media is what a file of the history is.
type Media uint32

const (
	MediaImage Media = C.TR_MEDIA_IMAGE // PNG, JPEG, GIF or WebP
	MediaHTML  Media = C.TR_MEDIA_HTML
)

// LogMedia logs an image or a page under a key of the history. The file is read now, and again when it is delivered.
func (r *Run) LogMedia(step int64, key string, kind Media, file string) error {
	if !r.Recording() {
		return nil
	}
	data, size := text(key)
	name, length := text(file)
	return errorOf(C.tr_run_log_media(r.handle, C.int64_t(step), data, size, C.tr_media(kind), name, length))
}

// An Artifact is a named set of files, of which a server keeps versions.
type Artifact struct {
	Name, Type, Description string
	Aliases                 []string
	Metadata                []Attr
	Files                   []ArtifactFile
}

// An ArtifactFile is a file, or all files of a folder. An empty path: the file's own name; of a folder nothing before the
// names in it.
type ArtifactFile struct{ Path, File string }

// AddArtifact adds an artifact that the run has made. Its files are read now, and must not change until they are delivered.
func (r *Run) AddArtifact(artifact Artifact) error {
	if !r.Recording() {
		return nil
	}
	var files []string
	for _, each := range artifact.Files {
		files = append(files, each.Path, each.File)
	}
	lists := pack([]Attr{Strings("aliases", artifact.Aliases), Strings("files", files)})
	name, nameSize := text(artifact.Name)
	kind, kindSize := text(artifact.Type)
	description, descriptionSize := text(artifact.Description)
	metadata := pack(artifact.Metadata)
	return errorOf(C.trgo_run_add_artifact(r.handle, name, nameSize, kind, kindSize, description, descriptionSize,
		lists.data(), lists.arrayElements(), metadata.data(), metadata.size(), metadata.attributes(),
		metadata.arrayElements()))
}

// UseArtifact says that the run uses an artifact: "name:alias", with "project/" or "entity/project/" before it for another's.
func (r *Run) UseArtifact(name string) error {
	if !r.Recording() {
		return nil
	}
	data, size := text(name)
	return errorOf(C.tr_run_use_artifact(r.handle, data, size))
}

// Finish finishes the run.
func (r *Run) Finish(status RunStatus, exitCode int) error {
	if !r.Recording() {
		return nil
	}
	return errorOf(C.tr_run_finish(r.handle, C.tr_run_status(status), C.int32_t(exitCode)))
}
