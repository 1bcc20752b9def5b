// Inputs that are too big, too many, too deep or not what they say: cut, counted, flagged, repaired - and delivered.
#include <limits>
#include <vector>

#include "faults/fault_fixture.hpp"
#include "model/utf8.hpp"

namespace faults {
namespace {

// Keeps what the tests look at of the last span.
struct Seen {
  std::string name;
  std::vector<std::pair<std::string, tr_value>> attributes;  // values: type, flags and size only
  std::vector<std::string> texts;
  uint32_t dropped = 0;
  uint32_t flags = 0;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

class Inputs : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    counting_.on_record = [this](const tr_record& record) {
      valid_ = valid_ && trunkline::utf8_valid(view(record.name));
      if (record.type != TR_RECORD_SPAN_END) return;
      seen_ = {std::string(view(record.name)),
               {},
               {},
               record.dropped_attributes,
               record.flags,
               record.start_ns,
               record.end_ns};
      for (size_t i = 0; i < record.attribute_count; ++i) {
        const tr_attribute& attribute = record.attributes[i];
        seen_.attributes.emplace_back(view(attribute.key), attribute.value);
        valid_ = valid_ && trunkline::utf8_valid(view(attribute.key));
        const bool text = attribute.value.type == TR_TYPE_STR || attribute.value.type == TR_TYPE_JSON;
        seen_.texts.emplace_back(text ? view(attribute.value) : std::string_view());
        valid_ = valid_ && trunkline::utf8_valid(seen_.texts.back());
      }
    };
  }

  // Records one span, filled by `fill`, and waits for it.
  template <class Fill>
  void one_span(Fill&& fill) {
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
    ASSERT_NE(span, 0u);
    fill(span);
    EXPECT_EQ(tr_span_end(span), TR_OK);
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
  }

  Seen seen_;
  bool valid_ = true;
};

TEST_F(Inputs, a_hundred_thousand_attributes_are_capped_and_counted) {
  start();
  one_span([](tr_span span) {
    int kept = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::string key = std::to_string(i);
      const int result = tr_span_set_i64(span, key.data(), key.size(), i);
      EXPECT_EQ(result, i < 1024 ? TR_OK : TR_ELIMIT);
      kept += result == TR_OK;
    }
    EXPECT_EQ(kept, 1024);
  });
  EXPECT_EQ(seen_.attributes.size(), 1024u);
  EXPECT_EQ(stats().attributes_dropped, 100'000u - 1024);
  EXPECT_GE(seen_.dropped, 65'535u) << "as far as the record can count";
}

TEST_F(Inputs, of_equal_keys_the_last_value_wins) {
  start();
  one_span([](tr_span span) {
    EXPECT_EQ(tr_span_set_i64(span, "a", 1, 1), TR_OK);
    EXPECT_EQ(tr_span_set_str(span, "b", 1, "b", 1), TR_OK);
    for (int i = 2; i <= 100; ++i) EXPECT_EQ(tr_span_set_i64(span, "a", 1, i), TR_OK);
    EXPECT_EQ(tr_span_set_str(span, "a", 1, "last", 4), TR_OK);
  });
  ASSERT_EQ(seen_.attributes.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(seen_.texts[i], seen_.attributes[i].first == "a" ? "last" : "b");
}

TEST_F(Inputs, empty_and_huge_keys_are_refused) {
  start();
  const std::string huge(64 << 10, 'k');
  one_span([&](tr_span span) {
    EXPECT_EQ(tr_span_set_i64(span, "", 0, 1), TR_EINVAL);
    EXPECT_EQ(tr_span_set_i64(span, nullptr, 0, 1), TR_EINVAL);
    EXPECT_EQ(tr_span_set_i64(span, huge.data(), huge.size(), 1), TR_EINVAL);
    EXPECT_EQ(tr_span_set_i64(span, huge.data(), 1025, 1), TR_EINVAL);
    EXPECT_EQ(tr_span_set_i64(span, huge.data(), 1024, 1), TR_OK);
  });
  EXPECT_EQ(seen_.attributes.size(), 1u);
}

TEST_F(Inputs, values_beyond_the_limit_are_cut_at_a_character_flagged_and_counted) {
  tr_config with = config();
  with.max_value_bytes = 100'001;
  start(with);
  std::string text;
  while (text.size() < 200'000) text += "\xC3\xA9";  // two bytes each: the limit falls between them
  one_span([&](tr_span span) {
    EXPECT_EQ(tr_span_set_str(span, "long", 4, text.data(), text.size()), TR_ELIMIT);
    EXPECT_EQ(tr_span_set_str(span, "fits", 4, text.data(), 100'000), TR_OK);
    EXPECT_EQ(tr_span_set_bytes(span, "bytes", 5, text.data(), text.size()), TR_ELIMIT);
  });
  ASSERT_EQ(seen_.texts.size(), 3u);
  EXPECT_EQ(seen_.texts[0], text.substr(0, 100'000));
  EXPECT_EQ(seen_.attributes[0].second.flags, TR_VALUE_TRUNCATED);
  EXPECT_EQ(seen_.texts[1], text.substr(0, 100'000));
  EXPECT_EQ(seen_.attributes[1].second.flags, 0u);
  EXPECT_EQ(seen_.attributes[2].second.flags, TR_VALUE_TRUNCATED);
  EXPECT_EQ(stats().values_truncated, 2u);
}

TEST_F(Inputs, a_value_larger_than_the_memory_is_dropped_and_the_span_kept) {
  tr_config with = config();
  with.max_memory = 4u << 20;
  start(with);
  const std::string large(8 << 20, 'x');
  one_span([&](tr_span span) {
    EXPECT_EQ(tr_span_set_str(span, "before", 6, "1", 1), TR_OK);
    EXPECT_EQ(tr_span_set_str(span, "large", 5, large.data(), large.size()), TR_ENOMEM);
    EXPECT_EQ(tr_span_set_str(span, "after", 5, "2", 1), TR_OK);
  });
  EXPECT_EQ(seen_.texts, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(stats().values_dropped, 1u);
  one_span([](tr_span) {});  // what was taken for it has been given back
  EXPECT_EQ(counting_.spans(), 2u);
}

TEST_F(Inputs, what_is_not_utf8_is_repaired_everywhere) {
  start();
  const char* bad[] = {"\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "x\xE2\x82", "\x80\x80"};
  for (const char* text : bad) {
    const tr_trace trace = tr_trace_start(text, TR_NUL, nullptr);
    const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, text, TR_NUL);
    EXPECT_EQ(tr_span_set_str(span, text, TR_NUL, text, TR_NUL), TR_OK);
    EXPECT_EQ(tr_span_set_json(span, "json", 4, text, TR_NUL), TR_OK);
    EXPECT_EQ(tr_span_set_error(span, text, TR_NUL, text, TR_NUL), TR_OK);
    EXPECT_EQ(tr_span_end(span), TR_OK);
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
    ASSERT_EQ(seen_.texts.size(), 2u);
    EXPECT_NE(seen_.texts[0].find("\xEF\xBF\xBD"), std::string::npos);
    EXPECT_EQ(seen_.attributes[0].second.flags, TR_VALUE_REPAIRED);
    EXPECT_EQ(seen_.attributes[1].second.flags & TR_VALUE_INVALID_JSON, TR_VALUE_INVALID_JSON);
  }
  EXPECT_TRUE(valid_);
}

TEST_F(Inputs, json_that_is_none_and_json_too_deep_are_kept_as_text) {
  start();
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  one_span([&](tr_span span) {
    EXPECT_EQ(tr_span_set_json(span, "none", 4, "{not json", TR_NUL), TR_OK);
    EXPECT_EQ(tr_span_set_json(span, "deep", 4, deep.data(), deep.size()), TR_OK);
    EXPECT_EQ(tr_span_set_json(span, "good", 4, "{\"a\":[1,2]}", TR_NUL), TR_OK);
  });
  ASSERT_EQ(seen_.attributes.size(), 3u);
  EXPECT_EQ(seen_.attributes[0].second.type, TR_TYPE_STR);
  EXPECT_EQ(seen_.attributes[0].second.flags, TR_VALUE_INVALID_JSON);
  EXPECT_EQ(seen_.texts[0], "{not json");
  EXPECT_EQ(seen_.texts[1].size(), deep.size());
  EXPECT_EQ(seen_.attributes[2].second.type, TR_TYPE_JSON);
  EXPECT_EQ(seen_.attributes[2].second.flags, 0u);
}

TEST_F(Inputs, names_lead_nowhere) {
  start();
  const std::string long_name(10'000, 'n');
  const std::vector<std::string> names = {"",    long_name, "\xF0\x9F\x98\x80",     "a\nb", "../../etc", "a/b",
                                          "CON", "-rf",     std::string("a\0b", 3), "."};
  for (const std::string& name : names) {
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    tr_run_options options{};
    options.struct_size = sizeof options;
    options.name = options.project = options.group_id = {name.data(), name.size()};
    const tr_run run = tr_run_start(&options);
    EXPECT_NE(run, 0u);
    EXPECT_EQ(tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, name.data(), name.size())), TR_OK);
    EXPECT_EQ(tr_run_finish(run, TR_RUN_FINISHED, 0), TR_OK);
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
    EXPECT_EQ(seen_.name, name);
  }
  EXPECT_EQ(entries_of(directory_), 1u) << "nothing but run/";
  EXPECT_EQ(entries_of(directory_ + "/run"), 1u);
}

TEST_F(Inputs, times_out_of_order_and_out_of_range) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  tr_span_data data{};
  data.struct_size = sizeof data;
  data.trace = trace;
  data.name = {"timed", 5};
  const struct {
    int64_t start, end;
    bool clamped;
  } cases[] = {{2000, 1000, true},
               {-62'135'596'800, -62'135'596'000, false},
               {INT64_MIN, INT64_MAX, false},
               {INT64_MAX, INT64_MIN, true},
               {0, 0, false}};
  for (const auto& each : cases) {
    data.start_ns = each.start;
    data.end_ns = each.end;
    ASSERT_EQ(tr_span_record(&data), TR_OK);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
    EXPECT_EQ(seen_.start_ns, each.start);
    EXPECT_EQ(seen_.end_ns, each.clamped ? each.start : each.end);
    EXPECT_EQ((seen_.flags & TR_RECORD_TIME_CLAMPED) != 0, each.clamped);
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(Inputs, ten_thousand_levels_and_a_hundred_thousand_spans) {
  start();
  const tr_trace trace = tr_trace_start("deep", TR_NUL, nullptr);
  std::vector<tr_span> open;
  tr_span parent = 0;
  for (int i = 0; i < 10'000; ++i) {
    parent = tr_span_start(trace, parent, TR_KIND_STEP, "level", TR_NUL);
    ASSERT_NE(parent, 0u) << i;
    open.push_back(parent);
  }
  while (!open.empty()) {
    EXPECT_EQ(tr_span_end(open.back()), TR_OK);
    open.pop_back();
  }
  uint64_t ended = 10'000;
  while (ended < scaled(110'000, 1'000'000)) {
    const tr_span span = tr_span_start(trace, 0, TR_KIND_STEP, "one of many", TR_NUL);
    if (span == 0) continue;
    EXPECT_EQ(tr_span_end(span), TR_OK);
    ++ended;
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), ended);
}

}  // namespace
}  // namespace faults
