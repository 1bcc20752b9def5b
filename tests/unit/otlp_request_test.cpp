#include "encode/otlp_request.hpp"

#include <gtest/gtest.h>

#include <map>
#include <protozero/pbf_reader.hpp>

#include "encode/otlp_fields.hpp"
#include "encode/otlp_kinds.hpp"
#include "store_support.hpp"

namespace trunkline::encode {
namespace {

using namespace store_test;
using protozero::pbf_reader;

std::vector<std::string> spans_of(const std::string& bytes) {
  std::vector<std::string> spans;
  pbf_reader request(bytes);
  while (request.next(otlp::request::kResourceSpans)) {
    pbf_reader resource_spans = request.get_message();
    while (resource_spans.next(otlp::resource_spans::kScopeSpans)) {
      pbf_reader scope_spans = resource_spans.get_message();
      while (scope_spans.next(otlp::scope_spans::kSpans)) spans.push_back(scope_spans.get_string());
    }
  }
  return spans;
}

// Attributes whose values are texts.
std::map<std::string, std::string> texts_of(const std::string& span) {
  std::map<std::string, std::string> found;
  pbf_reader message(span);
  while (message.next(otlp::span::kAttributes)) {
    pbf_reader pair = message.get_message();
    std::string key;
    while (pair.next()) {
      if (pair.tag() == otlp::key_value::kKey) {
        key = pair.get_string();
        continue;
      }
      pbf_reader any = pair.get_message();
      if (any.next(otlp::any_value::kString)) found[key] = any.get_string();
    }
  }
  return found;
}

TEST(OtlpRequest, is_empty_until_something_is_added_and_after_it_was_taken) {
  Records records;
  OtlpRequest request(OtlpDialect::General, {});
  EXPECT_EQ(request.bytes(), 0u);
  EXPECT_EQ(request.take(), "");
  EXPECT_EQ(request.add(records.span(1, 1), {}), OtlpAdded::Added);
  const size_t size = request.bytes();
  const std::string first = request.take();
  EXPECT_EQ(first.size(), size);
  EXPECT_EQ(request.take(), "");
  EXPECT_EQ(request.add(records.span(1, 2), {}), OtlpAdded::Added);
  EXPECT_EQ(spans_of(request.take()).size(), 1u);
  EXPECT_EQ(spans_of(first).size(), 1u);
}

TEST(OtlpRequest, never_exceeds_its_limits_but_for_one_span_alone) {
  Records records;
  const std::string large(5'000, 'x');
  for (const size_t limit : {1'000u, 4'000u, 6'000u, 20'000u}) {
    OtlpRequest request(OtlpDialect::General, {}, {7, limit});
    size_t total = 0;
    const auto take = [&] {
      const size_t count = request.spans();
      const std::string bytes = request.take();
      EXPECT_TRUE(bytes.size() <= limit || count == 1) << bytes.size();
      EXPECT_LE(count, 7u);
      EXPECT_EQ(spans_of(bytes).size(), count);
      total += count;
    };
    for (uint64_t i = 1; i <= 100; ++i) {
      tr_record& span = records.span(1, i);
      if (i % 9 == 0) span.input = text(large);
      OtlpAdded added = request.add(span, {});
      if (added == OtlpAdded::Full) {
        take();
        added = request.add(span, {});
      }
      EXPECT_EQ(added, OtlpAdded::Added);
    }
    take();
    EXPECT_EQ(total, 100u);
  }
}

TEST(OtlpRequest, knows_what_is_no_span) {
  Records records;
  OtlpRequest request(OtlpDialect::General, {});
  EXPECT_EQ(request.add(records.trace_start(1), {}), OtlpAdded::NoSpan);
  EXPECT_EQ(request.add(records.add(TR_RECORD_RUN_LOG, 1, 1), {}), OtlpAdded::NoSpan);
  EXPECT_EQ(request.add(records.add(TR_RECORD_SPAN_START, 1, 1), {}), OtlpAdded::NoSpan);
  EXPECT_EQ(request.add(records.span(0, 1), {}), OtlpAdded::NoSpan);
  EXPECT_EQ(request.add(records.span(1, 0), {}), OtlpAdded::NoSpan);
  tr_record& open = records.span(1, 1);
  open.end_ns = 0;
  EXPECT_EQ(request.add(open, {}), OtlpAdded::NoSpan);
  EXPECT_EQ(request.spans(), 0u);
}

TEST(OtlpSpan, takes_what_spans_inherit_from_the_start_of_their_trace) {
  Records records;
  tr_record& start = records.add(TR_RECORD_TRACE_START, 1, 9, 8);
  start.name = str("answer");
  start.group_id = str("conv");
  records.attributes(start, {{str("user.id"), text("ada")}, {str("gen_ai.agent.name"), text("helper")}});
  const OtlpTrace trace = otlp_trace_of(start);
  EXPECT_EQ(trace.trace_flags, 1);
  OtlpRequest request(OtlpDialect::General, {});
  request.add(records.span(1, 1), trace);
  const auto found = texts_of(spans_of(request.take()).at(0));
  EXPECT_EQ(found.at("gen_ai.conversation.id"), "conv");
  EXPECT_EQ(found.at("session.id"), "conv");
  EXPECT_EQ(found.at("user.id"), "ada");
  EXPECT_EQ(found.at("gen_ai.agent.name"), "helper");
}

TEST(OtlpSpan, has_content_once_for_mlflow) {
  Records records;
  tr_record& span = records.span(1, 1);
  const std::string content = "only once";
  span.kind = TR_KIND_GENERATION;
  span.input = text(content);
  OtlpRequest request(OtlpDialect::Mlflow, {});
  request.add(span, {});
  const std::string bytes = request.take();
  const size_t first = bytes.find(content);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(bytes.find(content, first + 1), std::string::npos);
}

TEST(OtlpKinds, have_a_row_each_and_a_word_for_the_unknown) {
  for (tr_kind kind = 0; kind <= TR_KIND_ATTACHMENT; ++kind) {
    EXPECT_FALSE(otlp_kind(kind).openinference.empty());
    EXPECT_FALSE(otlp_kind(kind).mlflow.empty());
  }
  EXPECT_EQ(&otlp_kind(1'000), &otlp_kind(TR_KIND_CUSTOM));
  EXPECT_TRUE(operation_spends_tokens("chat"));
  EXPECT_FALSE(operation_spends_tokens("invoke_agent"));
}

}  // namespace
}  // namespace trunkline::encode
