// Records as OTLP: whatever texts, JSON and numbers they hold, the request is protobuf that a strict reader takes, with
// texts that are UTF-8, no key twice, few enough messages in each other, and JSON with the meaning it had.
#include <cmath>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <vector>

#include "encode/json_scan.hpp"
#include "encode/otlp_fields.hpp"
#include "encode/otlp_request.hpp"
#include "fuzz_support.hpp"
#include "model/utf8.hpp"

namespace {

using namespace trunkline;
using namespace trunkline::encode;
using fuzz::require;
using nlohmann::json;
using protozero::pbf_reader;

constexpr int kMostNested = 90;  // readers refuse a hundred

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t byte() { return size_ == 0 ? 0 : (--size_, *data_++); }
  template <class T>
  T number() {
    T result{};
    const size_t size = std::min(sizeof result, size_);
    std::memcpy(&result, data_, size);
    skip(size);
    return result;
  }
  std::string_view text() {
    const size_t size = std::min<size_t>(byte() * (byte() % 4 == 0 ? 8u : 1u), size_);
    const std::string_view result(reinterpret_cast<const char*>(data_), size);
    skip(size);
    return result;
  }
  bool empty() const { return size_ == 0; }

 private:
  void skip(size_t size) {
    data_ += size;
    size_ -= size;
  }
  const uint8_t* data_;
  size_t size_;
};

constexpr std::string_view kKeys[] = {"mlflow.x",
                                      "gen_ai.input.messages",
                                      "gen_ai.output.messages",
                                      "gen_ai.operation.name",
                                      "input.value",
                                      "mlflow.spanInputs",
                                      "mlflow.spanOutputs",
                                      "session.id",
                                      "exception.stacktrace",
                                      "tool_name"};

class Maker {
 public:
  Maker(const uint8_t* data, size_t size) : bytes_(data, size) {}

  bool done() const { return bytes_.empty(); }

  tr_record record() {
    tr_record record{};
    record.struct_size = sizeof record;
    record.type = bytes_.byte() % 8 == 0 ? TR_RECORD_TRACE_END : TR_RECORD_SPAN_END;
    record.flags = bytes_.byte() & 15;
    record.kind = bytes_.byte() % 30;
    record.trace_id[0] = 1;
    record.span_id[3] = 1;
    record.parent_id[0] = bytes_.byte() % 2;
    record.start_ns = bytes_.number<int64_t>();
    record.end_ns = 1 + (bytes_.number<int64_t>() & INT64_MAX >> 1);
    for (tr_string* field : {&record.name, &record.model, &record.score_name, &record.error_type, &record.error_message,
                             &record.foreign_id}) {
      *field = string(bytes_.text());
    }
    record.input = value();
    record.output = value();
    record.usage = {bytes_.byte() - 1, bytes_.byte() - 1, -1, bytes_.byte() - 1, -1, -1};
    record.score = bytes_.number<double>();
    record.step = bytes_.byte() - 1;
    record.attributes = attributes(&record.attribute_count);
    if (bytes_.byte() % 2 == 0) return record;
    event_.name = string(bytes_.text());
    event_.attributes = attributes(&event_.attribute_count);
    record.events = &event_;
    record.event_count = 1;
    return record;
  }

 private:
  static tr_string string(std::string_view text) { return {text.data(), text.size()}; }

  tr_value value() {
    tr_value value{};
    value.type = bytes_.byte() % 11;
    const std::string_view text = bytes_.text();
    value.data = text.data();
    value.size = text.size();
    value.i64 = static_cast<int64_t>(text.size());
    value.f64 = bytes_.number<double>();
    // As the pipeline delivers it.
    if (value.type == TR_TYPE_JSON && json_check(text) != JsonCheck::Valid) value.type = TR_TYPE_STR;
    if (value.type == TR_TYPE_I64_ARRAY || value.type == TR_TYPE_F64_ARRAY) value.size /= 8;
    if (value.type == TR_TYPE_STR_ARRAY) {
      strings_.push_back(string(text));
      value.data = &strings_.back();
      value.size = 1;
    }
    return value;
  }

  const tr_attribute* attributes(size_t* count) {
    auto& list = lists_.emplace_back();
    std::set<std::string_view> seen;
    for (unsigned n = bytes_.byte() % 6; n > 0; --n) {
      const uint8_t pick = bytes_.byte();
      const std::string_view key = pick % 4 == 0 ? bytes_.text() : kKeys[pick % std::size(kKeys)];
      if (seen.insert(key).second) list.push_back({string(key), value()});
    }
    *count = list.size();
    return list.data();
  }

  Bytes bytes_;
  tr_event event_{};
  std::deque<tr_string> strings_;
  std::deque<std::vector<tr_attribute>> lists_;
};

// A value, as JSON has it; a double is wrapped so that 1 and 1.0 differ.
json read_any(pbf_reader any, int nested) {
  require(nested < kMostNested, "messages do not lie too deep in each other");
  json found;
  while (any.next()) {
    switch (any.tag()) {
      case otlp::any_value::kString: {
        const std::string text = any.get_string();
        require(utf8_valid(text), "texts are UTF-8");
        found = text;
        break;
      }
      case otlp::any_value::kBool:
        found = any.get_bool();
        break;
      case otlp::any_value::kInt:
        found = any.get_int64();
        break;
      case otlp::any_value::kDouble:
        found = any.get_double();
        break;
      case otlp::any_value::kArray: {
        found = json::array();
        pbf_reader list = any.get_message();
        while (list.next(otlp::container::kValues)) found.push_back(read_any(list.get_message(), nested + 2));
        break;
      }
      case otlp::any_value::kMap: {
        found = json::object();
        pbf_reader map = any.get_message();
        while (map.next(otlp::container::kValues)) {
          pbf_reader pair = map.get_message();
          std::string key;
          require(pair.next(otlp::key_value::kKey), "a pair has a key");
          key = pair.get_string();
          require(utf8_valid(key), "keys are UTF-8");
          require(pair.next(otlp::key_value::kValue), "a pair has a value");
          found[key] = read_any(pair.get_message(), nested + 3);
        }
        break;
      }
      case otlp::any_value::kBytes:
        any.get_view();
        break;
      default:
        require(false, "a value is of a known kind");
    }
  }
  return found;
}

// What JSON is sent as: text from some depth on, and for numbers that nothing holds.
bool same(const json& sent, const json& given, int depth) {
  if (given.is_structured() && depth == 24) {
    return sent.is_string() && json::parse(sent.get<std::string>(), nullptr, false) == given;
  }
  if (given.is_object() || given.is_array()) {
    if (sent.type() != given.type() || sent.size() != given.size()) return false;
    if (given.is_array()) {
      for (size_t i = 0; i < given.size(); ++i) {
        if (!same(sent[i], given[i], depth + 1)) return false;
      }
      return true;
    }
    for (const auto& [key, member] : given.items()) {
      if (!sent.contains(key) || !same(sent[key], member, depth + 1)) return false;
    }
    return true;
  }
  return sent == given || (given.is_number() && sent.is_string());
}

using Attributes = std::map<std::string, json>;

void read_attribute(pbf_reader pair, bool unique, Attributes* found) {
  require(pair.next(otlp::key_value::kKey), "an attribute has a key");
  const std::string key = pair.get_string();
  require(utf8_valid(key), "keys are UTF-8");
  require(pair.next(otlp::key_value::kValue), "an attribute has a value");
  const json value = read_any(pair.get_message(), 6);
  require(!pair.next(), "and nothing else");
  require(found->emplace(key, value).second || !unique, "no key is there twice");
}

Attributes read_span(pbf_reader span, bool unique) {
  Attributes found;
  while (span.next()) {
    switch (span.tag()) {
      case otlp::span::kAttributes:
        read_attribute(span.get_message(), unique, &found);
        break;
      case otlp::span::kEvents: {
        pbf_reader event = span.get_message();
        Attributes ignored;
        while (event.next()) {
          event.tag() == otlp::event::kAttributes ? read_attribute(event.get_message(), unique, &ignored)
                                                  : event.skip();
        }
        break;
      }
      case otlp::span::kName:
        require(utf8_valid(span.get_string()), "names are UTF-8");
        break;
      default:
        span.skip();
    }
  }
  return found;
}

// One message of its kind, and nothing else in the text.
pbf_reader only(pbf_reader message, uint32_t tag, uint32_t before = 0) {
  if (before != 0) {
    require(message.next(before), "what comes first is there");
    message.skip();
  }
  require(message.next(tag), "the message is there");
  const pbf_reader found = message.get_message();
  require(!message.next(), "once");
  return found;
}

void check(const tr_record& record, OtlpDialect dialect, bool unique) {
  OtlpRequest request(dialect, {});
  if (request.add(record, {}) != OtlpAdded::Added) return;
  const size_t size = request.bytes();
  const std::string bytes = request.take();
  require(bytes.size() == size, "the size is known before");
  pbf_reader spans = only(pbf_reader(bytes), otlp::request::kResourceSpans);
  spans = only(spans, otlp::resource_spans::kScopeSpans, otlp::resource_spans::kResource);
  const Attributes found = read_span(only(spans, otlp::scope_spans::kSpans, otlp::scope_spans::kScope), unique);
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& attribute = record.attributes[i];
    const std::string key(attribute.key.data, attribute.key.size);
    if (attribute.value.type != TR_TYPE_JSON || key.rfind("mlflow.", 0) != 0 || !utf8_valid(key)) continue;
    const std::string text(static_cast<const char*>(attribute.value.data), attribute.value.size);
    try {
      require(same(found.at(key), json::parse(text), 0), "JSON means what it meant");
    } catch (const json::out_of_range&) {  // a number too large for the other reader
    }
  }
  const auto messages = found.find("gen_ai.output.messages");
  if (dialect == OtlpDialect::Mlflow || messages == found.end() || !messages->second.is_string()) return;
  const json list = json::parse(messages->second.get<std::string>(), nullptr, false);
  if (!list.is_array() || found.contains("output.value")) return;
  for (const json& message : list) {
    if (message.is_object() && message.contains("parts")) require(message.contains("finish_reason"), "has its reason");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Maker maker(data, size);
  do {
    const tr_record record = maker.record();
    // Keys that are repaired may become equal, and tags of a trace be named like an attribute.
    bool unique = record.type == TR_RECORD_SPAN_END;
    for (size_t i = 0; i < record.attribute_count; ++i) {
      const tr_string& key = record.attributes[i].key;
      unique = unique && utf8_valid({key.data, key.size});
    }
    for (size_t k = 0; k < record.event_count; ++k) {
      for (size_t i = 0; i < record.events[k].attribute_count; ++i) {
        const tr_string& key = record.events[k].attributes[i].key;
        unique = unique && utf8_valid({key.data, key.size});
      }
    }
    check(record, OtlpDialect::General, unique);
    check(record, OtlpDialect::Mlflow, unique);
  } while (!maker.done());
  return 0;
}
