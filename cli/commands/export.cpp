// trunkline export: traces for other programs, as JSON lines or CSV.
#include <algorithm>
#include <memory>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "reading/trace_filter.hpp"
#include "session.hpp"
#include "trace/csv.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr Operand kOperands[] = {
    {"TRACE", "The id of a trace, or as much of its beginning as is unique. Default: all that the options choose.",
     Quantity::kAny}};

constexpr Option kOwnOptions[] = {
    {"format", 0, OptionType::kChoice, "jsonl|csv",
     "jsonl (the default): an object a line, of each trace, then its spans, then its events. csv: a line for each "
     "span."},
    {"limit", 'n', OptionType::kCount, "N", "At most the newest N traces; 0, the default: all."},
};
constexpr auto kOptions = joined(kFilterOptions, kOwnOptions);

class Exporter {
 public:
  explicit Exporter(Output* output) : output_(output) {}
  virtual ~Exporter() = default;
  virtual void begin() {}
  virtual void write(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                     const std::vector<store::StoredEvent>& events) = 0;

 protected:
  Output* output_;
};

// Each line tells what it is in its first member.
class JsonLines : public Exporter {
 public:
  using Exporter::Exporter;
  void write(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
             const std::vector<store::StoredEvent>& events) override {
    std::string text;
    {
      JsonMembers members(&text);
      members.text("type", "trace");
      add_trace(&members, trace);
      members.close();
    }
    output_->write(text + "\n");
    for (const auto& span : spans) {
      text.clear();
      JsonMembers members(&text);
      members.text("type", "span");
      add_span(&members, span);
      members.close();
      output_->write(text + "\n");
    }
    for (const auto& event : events) {
      text.clear();
      JsonMembers members(&text);
      members.text("type", "event");
      members.text("trace_id", trace.id);
      add_event(&members, event);
      members.close();
      output_->write(text + "\n");
    }
  }
};

std::string number(const std::optional<int64_t>& value) { return value ? std::to_string(*value) : ""; }

// Content as it is stored; bytes have no place in a table.
std::string content(const std::string& text, const std::string& type) { return type == "bytes" ? "" : text; }

class Csv : public Exporter {
 public:
  using Exporter::Exporter;
  void begin() override {
    output_->write(csv_line({"trace_id",   "trace_name",    "trace_status",  "group_id",     "span_id",   "parent_id",
                             "kind",       "name",          "status",        "start_ns",     "end_ns",    "duration_ns",
                             "model",      "input_tokens",  "output_tokens", "total_tokens", "score",     "step",
                             "error_type", "error_message", "input",         "output",       "attributes"}));
  }
  void write(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
             const std::vector<store::StoredEvent>& /*events*/) override {
    for (const auto& span : spans) {
      if (output_->closed()) return;
      output_->write(csv_line({trace.id,
                               trace.name,
                               trace.status,
                               trace.group_id,
                               span.span_id,
                               span.parent_id,
                               span.kind_name,
                               span.name,
                               span.status,
                               std::to_string(span.start_ns),
                               std::to_string(span.end_ns),
                               std::to_string(span.end_ns - span.start_ns),
                               span.model,
                               number(span.input_tokens),
                               number(span.output_tokens),
                               number(span.total_tokens),
                               span.score ? json_number(*span.score) : "",
                               number(span.step),
                               span.error_type,
                               span.error_message,
                               content(span.input, span.input_type),
                               content(span.output, span.output_type),
                               span.attributes}));
    }
  }

 private:
  static std::string json_number(double value) {
    std::string text;
    encode::append_json_f64(&text, value);
    return text;
  }
};

// The oldest first, as a log is.
Expected<std::vector<std::string>> chosen(store::Store* store, const store::TraceFilter& filter,
                                          const std::vector<std::string>& operands, const Session& session) {
  std::vector<std::string> ids;
  for (const std::string& given : operands) {
    const auto trace = find_trace(store, given, session);
    if (!trace) return trace.error();
    ids.push_back(trace->id);
  }
  if (!operands.empty()) return ids;
  const auto traces = store->list_traces(filter);
  if (!traces) return traces.error();
  for (const auto& trace : *traces) ids.push_back(trace.id);
  std::reverse(ids.begin(), ids.end());
  return ids;
}

// A trace may be removed meanwhile; it is left out then.
Error write_trace(store::Store* store, const std::string& id, Exporter* exporter) {
  const auto trace = store->get_trace(id);
  if (!trace) return trace.error().code == TR_ENOENT ? Error::none() : trace.error();
  const auto spans = store->spans_of(id);
  if (!spans) return spans.error();
  const auto events = store->events_of(id);
  if (!events) return events.error();
  exporter->write(*trace, *spans, *events);
  return Error::none();
}

int run(const Arguments& arguments, Session* session) {
  auto filter = filter_of(arguments, *session);
  if (!filter) return session->refuse(filter.error().message);
  filter->limit = limit_of(arguments, 0);
  filter->outline = true;
  const bool csv = arguments.text("format") == "csv";
  if (csv && session->json()) return session->refuse("--json and --format csv exclude each other");
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  const auto exporter = csv ? std::unique_ptr<Exporter>(std::make_unique<Csv>(session->output()))
                            : std::make_unique<JsonLines>(session->output());
  exporter->begin();
  if (!*opened) return arguments.operands().empty() ? kSuccess : session->fail({TR_ENOENT, no_traces(*session)});
  store::Store& store = **opened;
  if (!filter->text.empty()) update_search_index(&store, *session);
  const auto ids = chosen(&store, *filter, arguments.operands(), *session);
  if (!ids) return session->fail(ids.error());
  for (const std::string& id : *ids) {
    if (session->output()->closed()) break;
    if (const Error error = write_trace(&store, id, exporter.get())) return session->fail(error);
  }
  return kSuccess;
}

}  // namespace

const Command kExport = {
    "export",
    "Write traces as JSON lines or CSV.",
    "Writes whole traces to standard output, the oldest first: those named, or those that the "
    "options choose, all by default. The members are those of show --json; docs/cli.md lists the columns.",
    kOperands,
    kOptions,
    Paging::kNever,
    run};

}  // namespace trunkline::cli
