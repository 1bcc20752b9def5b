// What was recorded is what arrives, field by field, in every shape of delivery.
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>

#include "probe.hpp"
#include "record_reader.hpp"
#include "session.hpp"
#include "support/packed.hpp"

namespace trunkline::conformance {
namespace {

std::string text(const tr_string& s) { return {s.data == nullptr ? "" : s.data, s.size}; }
std::string bytes(const tr_value& v) { return {static_cast<const char*>(v.data), v.size}; }
tr_string string_of(const char* s) { return {s, TR_NUL}; }

tr_value value_of(tr_type type, const void* data, size_t size) { return {type, 0, 0, 0, data, size}; }
tr_value integer(int64_t i) { return {TR_TYPE_I64, 0, i, 0, nullptr, 0}; }
tr_value real(double f) { return {TR_TYPE_F64, 0, 0, f, nullptr, 0}; }
tr_value string_value(const char* s) { return value_of(TR_TYPE_STR, s, TR_NUL); }
tr_attribute attribute(const char* key, const tr_value& value) { return {{key, TR_NUL}, value}; }

// One span with all of them at its start, one while it is open, one at its end.
void record_packed_spans(tr_trace trace, const std::string& all) {
  const tr_span at_the_start = tr_span_start_packed(trace, 0, TR_KIND_TOOL, "span", 4, all.data(), all.size());
  EXPECT_EQ(tr_span_end(at_the_start), TR_OK);
  const tr_span open = start_span(trace, "span");
  EXPECT_EQ(tr_span_set_packed(open, all.data(), all.size()), TR_OK);
  EXPECT_EQ(tr_span_end(open), TR_OK);
  const tr_span at_the_end = start_span(trace, "span");
  EXPECT_EQ(tr_span_end_packed(at_the_end, all.data(), all.size()), TR_OK);
}

class Fields : public testing::TestWithParam<Kind> {
 protected:
  // Records with `record`, and gives each record that arrives to `check`.
  void run(const std::function<void()>& record, const RecordReader::Check& check,
           const std::function<void(tr_config&)>& tweak = {}) {
    RecordReader reader(GetParam(), [&](const tr_record& r) {
      EXPECT_EQ(r.struct_size, sizeof r);
      check(r);
    });
    Session session(directory_.path(), tweak);
    reader.attach();
    record();
    EXPECT_EQ(tr_flush(60'000), TR_OK);
    session.stop();
  }

  TempDirectory directory_;
};

TEST_P(Fields, OfTraces) {
  int seen = 0;
  uint8_t id[16] = {};
  int64_t started = 0;
  const auto check = [&](const tr_record& r) {
    ++seen;
    EXPECT_EQ(std::memcmp(r.trace_id, id, 16), 0);
    EXPECT_EQ(text(r.name), "a trace");
    EXPECT_EQ(text(r.group_id), "conversation 7");
    EXPECT_EQ(text(r.foreign_id), "their id");
    EXPECT_EQ(r.flags & ~TR_RECORD_FAILED, 0u);
    if (r.type == TR_RECORD_TRACE_START) {
      EXPECT_EQ(r.end_ns, 0);
      started = r.start_ns;
    } else {
      ASSERT_EQ(r.type, TR_RECORD_TRACE_END);
      EXPECT_EQ(r.start_ns, started);
      EXPECT_GE(r.end_ns, r.start_ns);
      EXPECT_EQ(r.flags, TR_RECORD_FAILED);
      EXPECT_EQ(text(r.error_type), "Timeout");
      EXPECT_EQ(text(r.error_message), "it took too long");
      // Metadata has each key once, and the last value wins.
      std::map<std::string, tr_value> metadata;
      for (size_t i = 0; i < r.attribute_count; ++i) {
        EXPECT_TRUE(metadata.emplace(text(r.attributes[i].key), r.attributes[i].value).second);
      }
      ASSERT_EQ(metadata.size(), 4u);
      EXPECT_EQ(metadata["first"].i64, 1);
      EXPECT_EQ(bytes(metadata["stop_reason"]), "done");
      EXPECT_EQ(metadata["ratio"].f64, 0.5);
      EXPECT_EQ(metadata["good"].type, TR_TYPE_BOOL);
      EXPECT_EQ(metadata["good"].i64, 1);
    }
  };
  run(
      [&] {
        const tr_attribute metadata[] = {attribute("first", integer(1)),
                                         attribute("stop_reason", string_value("early"))};
        const tr_trace_options options{
            sizeof(tr_trace_options), 0, string_of("conversation 7"), string_of("their id"), nullptr, metadata, 2};
        const tr_trace trace = tr_trace_start("a trace", TR_NUL, &options);
        tr_trace_get_id(trace, id);
        tr_trace_set_str(trace, "stop_reason", TR_NUL, "done", TR_NUL);
        tr_trace_set_f64(trace, "ratio", TR_NUL, 0.5);
        tr_trace_set_bool(trace, "good", TR_NUL, 7);
        tr_trace_set_error(trace, "Timeout", TR_NUL, "it took too long", TR_NUL);
        EXPECT_EQ(tr_trace_end(trace), TR_OK);
      },
      check);
  EXPECT_EQ(seen, 2);
}

TEST_P(Fields, OfValuesOfEveryType) {
  const uint8_t truths[] = {1, 0, 1};
  const int64_t integers[] = {INT64_MIN, -1, 0, INT64_MAX};
  const double reals[] = {0.1, -INFINITY, std::numeric_limits<double>::denorm_min()};
  const tr_string strings[] = {{"one", 3}, {"", 0}, {"three \xC3\xA9", TR_NUL}};
  const std::string large(200'000, 'L');
  const char raw[] = {0, 1, '\xFF', 0};
  int seen = 0;
  const auto check = [&](const tr_record& r) {
    if (r.type != TR_RECORD_SPAN_END) return;
    ++seen;
    std::map<std::string, tr_value> got;
    for (size_t i = 0; i < r.attribute_count; ++i) got[text(r.attributes[i].key)] = r.attributes[i].value;
    EXPECT_EQ(got.size(), 17u);
    EXPECT_EQ(got["null"].type, TR_TYPE_NULL);
    EXPECT_EQ(got["true"].i64, 1);
    EXPECT_EQ(got["false"].i64, 0);
    EXPECT_EQ(got["false"].type, TR_TYPE_BOOL);
    EXPECT_EQ(got["least"].i64, INT64_MIN);
    EXPECT_EQ(got["nan"].type, TR_TYPE_F64);
    EXPECT_TRUE(std::isnan(got["nan"].f64));
    EXPECT_TRUE(std::signbit(got["-0"].f64));
    EXPECT_EQ(bytes(got["text"]), "text");
    EXPECT_EQ(bytes(got["empty"]), "");
    EXPECT_EQ(got["empty"].type, TR_TYPE_STR);
    EXPECT_EQ(bytes(got["large"]), large);
    EXPECT_EQ(got["bytes"].type, TR_TYPE_BYTES);
    EXPECT_EQ(bytes(got["bytes"]), std::string(raw, sizeof raw));
    EXPECT_EQ(got["json"].type, TR_TYPE_JSON);
    EXPECT_EQ(bytes(got["json"]), R"({"a":[1,2]})");
    EXPECT_EQ(got["no json"].type, TR_TYPE_STR);
    EXPECT_EQ(got["no json"].flags, TR_VALUE_INVALID_JSON);
    EXPECT_EQ(bytes(got["no json"]), "{a:");
    EXPECT_EQ(got["not utf8"].flags, TR_VALUE_REPAIRED);
    EXPECT_EQ(bytes(got["not utf8"]), "x\xEF\xBF\xBDy");
    ASSERT_EQ(got["truths"].size, 3u);
    EXPECT_EQ(std::memcmp(got["truths"].data, truths, sizeof truths), 0);
    ASSERT_EQ(got["integers"].size, 4u);
    EXPECT_EQ(std::memcmp(got["integers"].data, integers, sizeof integers), 0);
    ASSERT_EQ(got["reals"].size, 3u);
    EXPECT_EQ(std::memcmp(got["reals"].data, reals, sizeof reals), 0);
    ASSERT_EQ(got["strings"].size, 3u);
    const auto* elements = static_cast<const tr_string*>(got["strings"].data);
    EXPECT_EQ(text(elements[0]), "one");
    EXPECT_EQ(text(elements[1]), "");
    EXPECT_EQ(text(elements[2]), "three \xC3\xA9");
  };
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        const tr_attribute all[] = {
            attribute("null", value_of(TR_TYPE_NULL, nullptr, 0)),
            attribute("true", {TR_TYPE_BOOL, 0, 42, 0, nullptr, 0}),
            attribute("false", {TR_TYPE_BOOL, 0, 0, 0, nullptr, 0}),
            attribute("least", integer(INT64_MIN)),
            attribute("nan", real(NAN)),
            attribute("-0", real(-0.0)),
            attribute("text", string_value("text")),
            attribute("empty", value_of(TR_TYPE_STR, nullptr, 0)),
            attribute("large", value_of(TR_TYPE_STR, large.data(), large.size())),
            attribute("bytes", value_of(TR_TYPE_BYTES, raw, sizeof raw)),
            attribute("json", value_of(TR_TYPE_JSON, R"({"a":[1,2]})", TR_NUL)),
            attribute("no json", value_of(TR_TYPE_JSON, "{a:", TR_NUL)),
            attribute("not utf8", string_value("x\xFFy")),
            attribute("truths", value_of(TR_TYPE_BOOL_ARRAY, truths, 3)),
            attribute("integers", value_of(TR_TYPE_I64_ARRAY, integers, 4)),
            attribute("reals", value_of(TR_TYPE_F64_ARRAY, reals, 3)),
            attribute("strings", value_of(TR_TYPE_STR_ARRAY, strings, 3)),
        };
        // In one call, and one by one.
        const tr_span at_once = tr_span_start_with(trace, 0, TR_KIND_TOOL, "span", 4, all, std::size(all));
        EXPECT_EQ(tr_span_end(at_once), TR_OK);
        const tr_span one_by_one = start_span(trace, "span");
        for (const tr_attribute& each : all) {
          EXPECT_EQ(tr_span_set_value(one_by_one, each.key.data, TR_NUL, &each.value), TR_OK) << each.key.data;
        }
        EXPECT_EQ(tr_span_end(one_by_one), TR_OK);
        const tr_span at_the_end = start_span(trace, "span");
        EXPECT_EQ(tr_span_end_with(at_the_end, all, std::size(all)), TR_OK);
        record_packed_spans(trace, test::packed(all, std::size(all)));
        tr_trace_end(trace);
      },
      check);
  EXPECT_EQ(seen, 6);
}

TEST_P(Fields, OfSpans) {
  uint8_t trace_id[16] = {};
  uint8_t parent_id[8] = {};
  uint8_t span_id[8] = {};
  std::string started;
  int starts = 0;
  int ends = 0;
  const auto check = [&](const tr_record& r) {
    if (text(r.name) != "child") return;
    EXPECT_EQ(r.kind, TR_KIND_GENERATION);
    if (r.type == TR_RECORD_SPAN_START) {
      ++starts;  // perhaps while the span is still being written: its ids are compared at its end
      started.assign(reinterpret_cast<const char*>(r.span_id), 8);
      EXPECT_EQ(r.end_ns, 0);
      EXPECT_EQ(r.attribute_count, 0u);
      return;
    }
    ++ends;
    ASSERT_EQ(r.type, TR_RECORD_SPAN_END);
    EXPECT_EQ(std::memcmp(r.trace_id, trace_id, 16), 0);
    EXPECT_EQ(std::memcmp(r.span_id, span_id, 8), 0);
    EXPECT_EQ(std::memcmp(r.span_id, started.data(), 8), 0);
    EXPECT_EQ(std::memcmp(r.parent_id, parent_id, 8), 0);
    EXPECT_EQ(r.flags, TR_RECORD_FAILED);
    EXPECT_GE(r.end_ns - r.start_ns, 2'000'000);
    EXPECT_EQ(text(r.model), "model-2");
    EXPECT_EQ(text(r.foreign_id), "span-77");
    EXPECT_EQ(text(r.score_name), "judge");
    EXPECT_EQ(r.score, 0.25);
    EXPECT_EQ(r.step, 12);
    EXPECT_EQ(text(r.error_type), "E");
    EXPECT_EQ(text(r.error_message), "message");
    EXPECT_EQ(r.input.type, TR_TYPE_STR);
    EXPECT_EQ(bytes(r.input), "question");
    EXPECT_EQ(r.output.type, TR_TYPE_JSON);
    EXPECT_EQ(bytes(r.output), R"(["answer"])");
    EXPECT_EQ(r.usage.input, 10);
    EXPECT_EQ(r.usage.output, 5);
    EXPECT_EQ(r.usage.total, 15);
    EXPECT_EQ(r.usage.cache_read, 3);
    EXPECT_EQ(r.usage.cache_write, -1);
    EXPECT_EQ(r.usage.reasoning, 2);
    ASSERT_EQ(r.event_count, 2u);
    EXPECT_EQ(text(r.events[0].name), "first");
    EXPECT_EQ(text(r.events[1].name), "second");
    EXPECT_GE(r.events[0].time_ns, r.start_ns);
    EXPECT_LE(r.events[1].time_ns, r.end_ns);
    ASSERT_EQ(r.events[1].attribute_count, 2u);
    EXPECT_EQ(text(r.events[1].attributes[0].key), "k");
    EXPECT_EQ(r.events[1].attributes[0].value.i64, 5);
    EXPECT_EQ(bytes(r.events[1].attributes[1].value), "__redacted__");
  };
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        const tr_span parent = start_span(trace, "parent");
        const tr_span child = tr_span_start(trace, parent, TR_KIND_GENERATION, "child", 5);
        tr_span_get_ids(parent, nullptr, parent_id);
        tr_span_get_ids(child, trace_id, span_id);
        tr_span_set_model(child, "model-1", TR_NUL);
        tr_span_set_model(child, "model-2", TR_NUL);
        tr_span_set_foreign_id(child, "span-77", TR_NUL);
        tr_span_set_score(child, "judge", TR_NUL, 0.25);
        tr_span_set_step(child, 12);
        tr_span_set_error(child, "E", TR_NUL, "message", TR_NUL);
        tr_span_set_input(child, TR_TYPE_STR, "question", TR_NUL);
        tr_span_set_output(child, TR_TYPE_JSON, R"(["answer"])", TR_NUL);
        const tr_usage usage{10, 5, -1, 3, -1, 2};
        tr_span_set_usage(child, &usage);
        tr_span_event(child, "first", TR_NUL, nullptr, 0);
        const tr_attribute of_event[] = {attribute("k", integer(5)), attribute("password", string_value("hunter2"))};
        tr_span_event(child, "second", TR_NUL, of_event, 2);
        std::this_thread::sleep_for(3ms);
        tr_span_end(child);
        tr_span_end(parent);
        tr_trace_end(trace);
      },
      check);
  EXPECT_EQ(starts, 1);
  EXPECT_EQ(ends, 1);
}

// Absent is told apart from zero and empty.
TEST_P(Fields, OfABareSpan) {
  int seen = 0;
  run([] { record_trace("t", 1); },
      [&](const tr_record& r) {
        if (r.type != TR_RECORD_SPAN_END) return;
        ++seen;
        EXPECT_EQ(r.input.type, TR_TYPE_NULL);
        EXPECT_EQ(r.output.type, TR_TYPE_NULL);
        EXPECT_TRUE(std::isnan(r.score));
        EXPECT_EQ(r.step, -1);
        EXPECT_EQ(r.usage.input, -1);
        EXPECT_EQ(r.usage.total, -1);
        EXPECT_EQ(r.attribute_count, 0u);
        EXPECT_EQ(r.event_count, 0u);
        EXPECT_EQ(r.model.size, 0u);
        const uint8_t none[8] = {};
        EXPECT_EQ(std::memcmp(r.parent_id, none, 8), 0) << "a child of the trace itself";
        EXPECT_NE(std::memcmp(r.span_id, none, 8), 0);
      });
  EXPECT_EQ(seen, 1);
}

// Whatever framework the names of token counts and models come from, they become the same fields.
TEST_P(Fields, OfSynonyms) {
  struct Case {
    const char* key;
    int64_t tr_usage::*field;
  };
  const Case cases[] = {{"prompt_tokens", &tr_usage::input},
                        {"gen_ai.usage.input_tokens", &tr_usage::input},
                        {"llm.token_count.completion", &tr_usage::output},
                        {"completionTokens", &tr_usage::output},
                        {"total_tokens", &tr_usage::total},
                        {"cachedContentTokenCount", &tr_usage::cache_read},
                        {"cache_creation_input_tokens", &tr_usage::cache_write},
                        {"thoughtsTokenCount", &tr_usage::reasoning}};
  const char* const models[] = {"gen_ai.request.model", "model", "model_name", "llm.model_name", "ai.model.id"};
  int seen = 0;
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        for (const Case& each : cases) {
          const tr_span span = start_span(trace, each.key);
          tr_span_set_i64(span, each.key, TR_NUL, 41);
          tr_span_end(span);
        }
        for (const char* key : models) {
          const tr_span span = start_span(trace, key);
          tr_span_set_str(span, key, TR_NUL, "the model", TR_NUL);
          tr_span_end(span);
        }
        tr_trace_end(trace);
      },
      [&](const tr_record& r) {
        if (r.type != TR_RECORD_SPAN_END) return;
        for (const Case& each : cases) {
          if (text(r.name) != each.key) continue;
          ++seen;
          EXPECT_EQ(r.usage.*each.field, 41) << each.key;
        }
        for (const char* key : models) {
          if (text(r.name) != key) continue;
          ++seen;
          EXPECT_EQ(text(r.model), "the model") << key;
        }
      });
  EXPECT_EQ(seen, 13);
}

TEST_P(Fields, OfSpansTimedElsewhere) {
  int seen = 0;
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        tr_span_data data{};
        data.struct_size = sizeof data;
        data.kind = TR_KIND_TOOL;
        data.trace = trace;
        data.name = string_of("elsewhere");
        data.foreign_id = string_of("x-1");
        data.start_ns = 1'700'000'000'000'000'000;
        data.end_ns = data.start_ns + 5;
        data.error_type = string_of("E");
        std::memcpy(data.span_id, "abcdefgh", 8);
        const tr_attribute attributes[] = {attribute("k", integer(5))};
        data.attributes = attributes;
        data.attribute_count = 1;
        EXPECT_EQ(tr_span_record(&data), TR_OK);
        data.name = string_of("backwards");
        data.end_ns = data.start_ns - 5;
        EXPECT_EQ(tr_span_record(&data), TR_OK);
        tr_trace_end(trace);
      },
      [&](const tr_record& r) {
        if (r.type != TR_RECORD_SPAN_END) return;
        ++seen;
        const bool backwards = text(r.name) == "backwards";
        EXPECT_EQ(r.start_ns, 1'700'000'000'000'000'000);
        EXPECT_EQ(r.end_ns, r.start_ns + (backwards ? 0 : 5));
        EXPECT_EQ(r.flags, TR_RECORD_FAILED | (backwards ? TR_RECORD_TIME_CLAMPED : 0));
        EXPECT_EQ(std::memcmp(r.span_id, "abcdefgh", 8), 0);
        EXPECT_EQ(text(r.foreign_id), "x-1");
        EXPECT_EQ(text(r.error_type), "E");
        ASSERT_EQ(r.attribute_count, 1u);
      });
  EXPECT_EQ(seen, 2);
}

TEST_P(Fields, OfRunsAndEvents) {
  std::vector<tr_record_type> types;
  std::optional<std::string> run_id;
  const auto check = [&](const tr_record& r) {
    if (r.type == TR_RECORD_TRACE_START || r.type == TR_RECORD_TRACE_END) return;
    types.push_back(r.type);
    if (r.type == TR_RECORD_EVENT) {
      EXPECT_EQ(text(r.name), "happened");
      ASSERT_EQ(r.attribute_count, 1u);
      EXPECT_EQ(r.attributes[0].value.i64, 3);
      return;
    }
    const std::string id(reinterpret_cast<const char*>(r.span_id), 8);
    if (!run_id) run_id = id;
    EXPECT_EQ(id, *run_id);
    switch (r.type) {
      case TR_RECORD_RUN_START:
        EXPECT_EQ(text(r.name), "run");
        EXPECT_EQ(text(r.project), "project");
        EXPECT_EQ(text(r.group_id), "group");
        EXPECT_EQ(r.attribute_count, 1u);
        break;
      case TR_RECORD_RUN_LOG:
        EXPECT_EQ(r.step, types.size() == 3 ? 9 : -1);
        EXPECT_EQ(r.attributes[0].value.f64, 0.5);
        break;
      case TR_RECORD_RUN_SUMMARY:
      case TR_RECORD_RUN_CONFIG:
        EXPECT_EQ(r.attribute_count, 1u);
        break;
      case TR_RECORD_RUN_TAG:
        EXPECT_EQ(text(r.name), "tag");
        break;
      case TR_RECORD_RUN_ARTIFACT:
        EXPECT_EQ(text(r.name), "artifact");
        break;
      case TR_RECORD_RUN_FINISH:
        EXPECT_EQ(r.run_status, TR_RUN_KILLED);
        EXPECT_EQ(r.exit_code, 137);
        EXPECT_EQ(text(r.name), "run");
        EXPECT_EQ(r.flags, TR_RECORD_FAILED);
        break;
      default:
        ADD_FAILURE() << r.type;
    }
  };
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        const tr_attribute three[] = {attribute("k", integer(3))};
        EXPECT_EQ(tr_trace_event(trace, "happened", TR_NUL, three, 1), TR_OK);
        const tr_run_options options{sizeof(tr_run_options), 0,     trace, string_of("run"), string_of("project"),
                                     string_of("group"),     three, 1};
        const tr_run started = tr_run_start(&options);
        ASSERT_NE(started, 0u);
        const tr_attribute half[] = {attribute("loss", real(0.5))};
        EXPECT_EQ(tr_run_log(started, 9, half, 1), TR_OK);
        EXPECT_EQ(tr_run_log(started, -1, half, 1), TR_OK);
        EXPECT_EQ(tr_run_set_summary(started, three, 1), TR_OK);
        EXPECT_EQ(tr_run_set_config(started, three, 1), TR_OK);
        EXPECT_EQ(tr_run_set_tag(started, "tag", TR_NUL, "v", TR_NUL), TR_OK);
        EXPECT_EQ(tr_run_log_artifact(started, "artifact", TR_NUL, "/proc/self/exe", TR_NUL), TR_OK);
        EXPECT_EQ(tr_run_finish(started, TR_RUN_KILLED, 137), TR_OK);
        EXPECT_EQ(tr_run_finish(started, TR_RUN_FINISHED, 0), TR_ESTALE);
        tr_trace_end(trace);
      },
      check);
  EXPECT_EQ(types, (std::vector<tr_record_type>{TR_RECORD_EVENT, TR_RECORD_RUN_START, TR_RECORD_RUN_LOG,
                                                TR_RECORD_RUN_LOG, TR_RECORD_RUN_SUMMARY, TR_RECORD_RUN_CONFIG,
                                                TR_RECORD_RUN_TAG, TR_RECORD_RUN_ARTIFACT, TR_RECORD_RUN_FINISH}));
}

// Open spans of an ended trace: those that end in time are whole, the others are ended as incomplete, before the trace.
TEST_P(Fields, OfSpansLeftOpen) {
  std::map<std::string, uint32_t> flags;
  std::vector<std::string> order;
  run(
      [&] {
        const tr_trace trace = tr_trace_start("t", 1, nullptr);
        const tr_span late = start_span(trace, "late");
        start_span(trace, "never");
        tr_trace_end(trace);
        std::this_thread::sleep_for(50ms);
        EXPECT_EQ(tr_span_end(late), TR_OK) << "within its time of grace";
        EXPECT_EQ(tr_span_start(trace, 0, 0, "x", 1), 0u);
        std::this_thread::sleep_for(2s);
      },
      [&](const tr_record& r) {
        if (r.type == TR_RECORD_SPAN_START || r.type == TR_RECORD_TRACE_START) return;
        flags[text(r.name)] = r.flags;
        order.push_back(text(r.name));
      },
      [](tr_config& config) { config.end_grace_ms = 1500; });
  EXPECT_EQ(order, (std::vector<std::string>{"late", "never", "t"}));
  EXPECT_EQ(flags["late"], 0u);
  EXPECT_EQ(flags["never"], TR_RECORD_INCOMPLETE);
  EXPECT_EQ(flags["t"], 0u);
}

// A trace that continues another process's: its spans hang below the remote one, and its flags travel on as they came.
TEST_P(Fields, OfATraceThatContinuesAnother) {
  tr_context remote{};
  remote.struct_size = sizeof remote;
  constexpr char kHeader[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_EQ(tr_context_extract(kHeader, TR_NUL, &remote), TR_OK);
  std::string sent;
  int spans = 0;
  const auto check = [&](const tr_record& r) {
    EXPECT_EQ(std::memcmp(r.trace_id, remote.trace_id, 16), 0);
    if (r.type != TR_RECORD_SPAN_END) return;
    ++spans;
    EXPECT_EQ(std::memcmp(r.parent_id, remote.span_id, 8), 0);
  };
  run(
      [&] {
        tr_trace_options options{};
        options.struct_size = sizeof options;
        options.parent = &remote;
        const tr_trace trace = tr_trace_start("continued", TR_NUL, &options);
        const tr_span span = start_span(trace, "top");
        char header[TR_TRACEPARENT_SIZE + 1];
        EXPECT_EQ(tr_context_inject(span, header, sizeof header), TR_OK);
        sent = header;
        tr_span_end(span);
        tr_span_data elsewhere{};
        elsewhere.struct_size = sizeof elsewhere;
        elsewhere.trace = trace;
        elsewhere.end_ns = 1;
        EXPECT_EQ(tr_span_record(&elsewhere), TR_OK);
        tr_trace_end(trace);
      },
      check);
  EXPECT_EQ(spans, 2);
  EXPECT_EQ(sent.substr(0, 36), std::string(kHeader).substr(0, 36));
  EXPECT_EQ(sent.substr(53), "01") << "nobody knows whether the other's id is random";
}

INSTANTIATE_TEST_SUITE_P(Conformance, Fields, testing::Values(Kind::kOnBatch, Kind::kHooks, Kind::kPolled),
                         [](const auto& each) { return kind_name(each.param); });

}  // namespace
}  // namespace trunkline::conformance
