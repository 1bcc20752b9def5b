// trunkline tail: the spans that came last, those that are still open, and, with -f, what comes.
#include <algorithm>
#include <set>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "os/time.hpp"
#include "reading/directory.hpp"
#include "reading/live_spans.hpp"
#include "reading/reading.hpp"
#include "reading/trace_filter.hpp"
#include "session.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/span_line.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualLimit = 10;
constexpr uint32_t kAtOnce = 1'000;
constexpr int kPollMs = 200;
constexpr int64_t kAdoptionNs = 5'000'000'000;  // how often the runs of processes that died meanwhile are taken up
constexpr int64_t kBriefNs = 300'000'000;       // what has been open for less is shown when it has ended
constexpr size_t kIdLength = 8;
constexpr size_t kDurationWidth = 7;
constexpr size_t kWidthForIds = 60;

constexpr Option kOptions[] = {
    {"follow", 'f', OptionType::kFlag, "", "Go on as spans end, and show those that take long as they begin."},
    {"limit", 'n', OptionType::kCount, "N", "The last N spans; 0: none. Default: 10."},
    {"trace", 't', OptionType::kText, "TRACE", "Only spans of this trace: its id, or the beginning of it."},
    {"name", 0, OptionType::kText, "TEXT", "Only spans whose name contains TEXT, in upper or lower case."},
    {"kind", 0, OptionType::kText, "KIND", "Only spans of this kind: tool, generation, ..."},
    {"status", 0, OptionType::kChoice, "running|ok|error|incomplete", "Only spans of this status; running: open."},
};

class Tail {
 public:
  Tail(store::SpanFeed feed, Session* session) : feed_(std::move(feed)), session_(session) {}

  void write(const store::StoredSpan& span) {
    if (session_->json()) {
      std::string text;
      append_span(&text, span);
      session_->output()->write(text + "\n");
    } else {
      write_line(span);
    }
  }

  // Those that were open before are not said again.
  void write_open(int64_t open_for_ns) {
    if (!feed_.status.empty() && feed_.status != "running") return;
    std::set<std::string> open;
    for (const store::StoredSpan& span : live_spans(session_->directory())) {
      if (!fits(span) || session_->output()->closed()) continue;
      const bool known = open_.count(span.span_id) != 0;
      const bool long_enough = os::unix_now() - span.start_ns >= open_for_ns;
      if (!known && long_enough) write(span);
      if (known || long_enough) open.insert(span.span_id);
    }
    open_ = std::move(open);
  }

  Error write_last(store::Store* store, uint32_t limit) {
    const auto last = store->last_rowid();
    if (!last) return last.error();
    rowid_ = *last;
    if (limit == 0 || feed_.status == "running") return Error::none();
    const auto spans = store->last_spans(feed_, limit);
    if (!spans) return spans.error();
    for (const auto& span : *spans) {
      write(span);
      rowid_ = std::max(rowid_, span.rowid);
    }
    return Error::none();
  }

  // What has come since.
  Error write_new(store::Store* store) {
    const auto last = store->last_rowid();
    if (!last) return last.error();
    if (*last < rowid_) rowid_ = *last;  // another file, or the last spans were removed
    while (rowid_ < *last && feed_.status != "running" && !session_->output()->closed()) {
      const auto spans = store->spans_after(feed_, rowid_, kAtOnce);
      if (!spans) return spans.error();
      for (const auto& span : *spans) write(span);
      rowid_ = spans->size() < kAtOnce ? std::max(*last, rowid_) : spans->back().rowid;
    }
    return Error::none();
  }

 private:
  bool fits(const store::StoredSpan& span) const {
    if (!feed_.trace_id.empty() && span.trace_id != feed_.trace_id) return false;
    if (feed_.kind && span.kind != *feed_.kind) return false;
    const auto low = [](std::string text) {
      std::transform(text.begin(), text.end(), text.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      return text;
    };
    return feed_.name.empty() || low(span.name).find(low(feed_.name)) != std::string::npos;
  }

  void write_line(const store::StoredSpan& span) {
    const Terminal& terminal = session_->terminal();
    Line line;
    const std::string time = time_text(span.status == "running" ? span.start_ns : span.end_ns);
    line.add(terminal.width == 0 ? time : time.substr(11), Colour::kDim);
    const bool with_ids = terminal.width == 0 || terminal.width >= kWidthForIds;
    if (with_ids)
      line.add("  " + visible(span.trace_id.substr(0, terminal.width == 0 ? 32 : kIdLength)), Colour::kCyan);
    const std::string duration = span_duration_text(span);
    line.add("  " + std::string(kDurationWidth - std::min(kDurationWidth, columns(duration)), ' ') + duration + "  ");
    line.add(visible(span.kind_name) + " ", Colour::kCyan);
    line.add(visible(span.name), Colour::kBold);
    add_span_details(span, &line);
    line.add_apart(error_line(span.error_type, span.error_message), Colour::kRed);
    session_->output()->write(line.text(terminal));
  }

  store::SpanFeed feed_;
  Session* session_;
  int64_t rowid_ = 0;
  std::set<std::string> open_;
};

// Until nobody reads any more. The file is opened anew each time: it may be replaced, or not be there yet.
int follow(Tail* tail, Session* session) {
  int64_t adopted = os::monotonic_now();
  while (!session->output()->wait_closed(kPollMs)) {
    if (os::monotonic_now() - adopted > kAdoptionNs) {
      static_cast<void>(open_store(session));
      adopted = os::monotonic_now();
    }
    auto store = store::Store::open(store_path(session->directory()), store::Access::kRead);
    if (!store && store.error().code != TR_ENOENT && store.error().code != TR_EAGAIN) {
      return session->fail(store.error());
    }
    if (store) {
      const Error error = tail->write_new(&*store);
      if (error && error.code != TR_EAGAIN) return session->fail(error);
    }
    tail->write_open(kBriefNs);
    session->output()->flush();
  }
  return kSuccess;
}

int run(const Arguments& arguments, Session* session) {
  const auto kind = kind_of(arguments);
  if (!kind) return session->refuse(kind.error().message);
  store::SpanFeed feed;
  feed.kind = *kind;
  feed.name = arguments.text("name");
  feed.status = arguments.text("status");
  auto store = open_store(session);
  if (!store) return session->fail(store.error());
  if (arguments.has("trace")) {
    if (!*store) return session->fail({TR_ENOENT, no_traces(*session)});
    const auto trace = find_trace(&**store, arguments.text("trace"), *session);
    if (!trace) return session->fail(trace.error());
    feed.trace_id = trace->id;
  }
  Tail tail(std::move(feed), session);
  const auto limit = std::min<int64_t>(arguments.number("limit").value_or(kUsualLimit), UINT32_MAX);
  if (*store) {
    if (const Error error = tail.write_last(&**store, static_cast<uint32_t>(limit))) return session->fail(error);
  } else if (!session->json()) {
    note(no_traces(*session));
  }
  tail.write_open(0);
  if (!arguments.has("follow")) return kSuccess;
  store->reset();
  session->output()->flush();
  return follow(&tail, session);
}

}  // namespace

const Command kTail = {"tail",
                       "Show the spans that ended last; with -f, go on as they end.",
                       "Shows the spans that ended last, a line each: when, the trace, how long they took, what they "
                       "are. After them come the spans that are still open in processes that record now. With --json "
                       "each line is a span as show --json writes it. -f goes on until it is interrupted or nobody "
                       "reads any more.",
                       {},
                       kOptions,
                       Paging::kNever,
                       run};

}  // namespace trunkline::cli
