// trunkline grep: spans by the words in their inputs, outputs and errors.
#include <algorithm>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "reading/trace_filter.hpp"
#include "session.hpp"
#include "store/text_phrases.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/excerpt.hpp"
#include "trace/span_line.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualLimit = 50;
constexpr size_t kIdLength = 8;
constexpr size_t kExcerptWidth = 160;  // where there is no terminal to fill

constexpr Operand kOperands[] = {
    {"WORDS",
     "Words that stand one after the other; of several WORDS each must be found. Case and accents do not "
     "count. With a * at the end the last word is only a beginning.",
     Quantity::kSome}};

constexpr Option kOptions[] = {
    {"in", 0, OptionType::kChoice, "input|output|error|anywhere", "Where to look. Default: anywhere."},
    {"trace", 't', OptionType::kText, "TRACE", "Only spans of this trace: its id, or the beginning of it."},
    {"kind", 0, OptionType::kText, "KIND", "Only spans of this kind: tool, generation, ..."},
    {"status", 0, OptionType::kChoice, "ok|error|incomplete", "Only spans of this status."},
    {"since", 0, OptionType::kTime, "WHEN", "Only spans that started then or later (as of ls)."},
    {"until", 0, OptionType::kTime, "WHEN", "Only spans that started before."},
    {"limit", 'n', OptionType::kCount, "N", "At most N spans; 0: all. Default: 50."},
    {"ids", 'l', OptionType::kFlag, "", "Only the ids of the traces, each once, one a line."},
};

Expected<store::SpanSearch> search_of(const Arguments& arguments) {
  const auto kind = kind_of(arguments);
  if (!kind) return kind.error();
  store::SpanSearch search;
  search.text = arguments.operands();
  const std::string in = arguments.has("in") ? arguments.text("in") : "anywhere";
  search.in_input = in == "anywhere" || in == "input";
  search.in_output = in == "anywhere" || in == "output";
  search.in_error = in == "anywhere" || in == "error";
  search.kind = *kind;
  search.status = arguments.text("status");
  search.since_ns = arguments.number("since");
  search.until_ns = arguments.number("until");
  search.limit = limit_of(arguments, kUsualLimit);
  return search;
}

void write_excerpt(const Excerpt& excerpt, Session* session) {
  Line line;
  line.add("    " + excerpt.field + std::string(8 - excerpt.field.size(), ' '), Colour::kDim);
  for (const Excerpt::Piece& piece : excerpt.pieces)
    line.add(visible(piece.text), piece.found ? Colour::kRed : Colour::kNone);
  session->output()->write(line.text(session->terminal()));
}

void write_span(const store::StoredSpan& span, const std::vector<Excerpt>& excerpts, Session* session) {
  Line line;
  line.add(visible(span.trace_id.substr(0, std::max(kIdLength, session->terminal().width == 0 ? 32 : kIdLength))),
           Colour::kCyan);
  line.add("  " + visible(span.span_id) + "  ", Colour::kDim);
  line.add(short_time_text(span.start_ns, session->now_ns()) + "  ", Colour::kDim);
  line.add(visible(span.kind_name) + " ", Colour::kCyan);
  line.add(visible(span.name), Colour::kBold);
  add_span_details(span, &line);
  session->output()->write(line.text(session->terminal()));
  for (const Excerpt& excerpt : excerpts) write_excerpt(excerpt, session);
}

void write_json(const store::StoredSpan& span, const std::vector<Excerpt>& excerpts, Output* output) {
  std::string text;
  JsonMembers members(&text);
  append_span(members.member("span"), span);
  std::string* out = members.member("found");
  for (size_t i = 0; i < excerpts.size(); ++i) {
    out->append(i == 0 ? "[" : ",");
    JsonMembers found(out);
    found.text("in", excerpts[i].field);
    found.text("text", excerpts[i].text());
    found.close();
  }
  out->append(excerpts.empty() ? "[]" : "]");
  members.close();
  output->write(text);
}

void write_all(const std::vector<store::StoredSpan>& spans, const store::SpanSearch& search,
               const store::TextPhrases& phrases, Session* session) {
  const size_t width = session->terminal().width == 0 ? kExcerptWidth : session->terminal().width - 12;
  Output* output = session->output();
  if (session->json()) output->write("[");
  for (size_t i = 0; i < spans.size() && !output->closed(); ++i) {
    const std::vector<Excerpt> excerpts = excerpts_of(spans[i], search, phrases, std::max<size_t>(width, 8));
    if (session->json()) {
      output->write(i == 0 ? "\n" : ",\n");
      write_json(spans[i], excerpts, output);
    } else {
      write_span(spans[i], excerpts, session);
    }
  }
  if (session->json()) output->write(spans.empty() ? "]\n" : "\n]\n");
}

// Each trace once, in the order of the spans.
void write_ids(const std::vector<store::StoredSpan>& spans, Session* session) {
  std::vector<std::string> ids;
  for (const auto& span : spans) {
    if (std::find(ids.rbegin(), ids.rend(), span.trace_id) == ids.rend()) ids.push_back(span.trace_id);
  }
  std::string text;
  for (const std::string& id : ids) {
    if (!session->json()) {
      session->output()->write(id + "\n");
      continue;
    }
    text.append(text.empty() ? "[" : ",");
    encode::append_json_string(&text, id);
  }
  if (session->json()) session->output()->write(text + (text.empty() ? "[]\n" : "]\n"));
}

int run(const Arguments& arguments, Session* session) {
  auto search = search_of(arguments);
  if (!search) return session->refuse(search.error().message);
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  if (!*opened) {
    session->json() ? session->output()->write("[]\n") : note(no_traces(*session));
    return kNegative;
  }
  store::Store& store = **opened;
  if (arguments.has("trace")) {
    const auto trace = find_trace(&store, arguments.text("trace"), *session);
    if (!trace) return session->fail(trace.error());
    search->trace_id = trace->id;
  }
  update_search_index(&store, *session);
  const auto phrases = store::TextPhrases::parse(store.database(), search->text);
  if (!phrases) return session->fail(phrases.error());
  const auto spans = store.search(*search);
  if (!spans) return session->fail(spans.error());
  arguments.has("ids") ? write_ids(*spans, session) : write_all(*spans, *search, *phrases, session);
  return spans->empty() ? kNegative : kSuccess;
}

}  // namespace

const Command kGrep = {"grep",
                       "Find spans by words in their inputs, outputs and errors.",
                       "Finds spans whose input, output or error contains the words, the last ones first, and shows "
                       "where. Words are looked up in an index of the store, which is brought up to date first. The "
                       "exit code is 3 if nothing is found.",
                       kOperands,
                       kOptions,
                       Paging::kOnTerminals,
                       run};

}  // namespace trunkline::cli
