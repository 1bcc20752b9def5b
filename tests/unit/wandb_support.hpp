// What the tests of the W&B sink share: a server in memory that keeps lines by their number, as W&B does, and fails
// when it is told to; and a reader of `.wandb` files that owes nothing to the writer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "processors/wandb/wandb_sink.hpp"
#include "qitos_events.hpp"
#include "store_support.hpp"

namespace trunkline::wandb_test {

using nlohmann::json;
using wandb::RunDelta;
using wandb::RunState;
using wandb::Values;

struct StoredRun {
  std::map<int64_t, std::string> lines;  // of the history, by number
  Values config;
  Values summary;
  std::vector<std::string> tags;
  std::string name;
  std::optional<int64_t> exit_code;
  std::vector<std::string> files;      // paths
  std::vector<std::string> artifacts;  // client ids
  int begins = 0;
  int rewritten = 0;  // lines that came again as others

  json row(int64_t line) const { return json::parse(lines.at(line)); }
  std::vector<json> rows() const {
    std::vector<json> all;
    for (const auto& [line, text] : lines) all.push_back(json::parse(text));
    return all;
  }
  bool whole() const { return lines.empty() || lines.rbegin()->first + 1 == static_cast<int64_t>(lines.size()); }
};

// What outlives a processor: the server.
struct Stored {
  std::map<std::string, StoredRun> runs;
  int writes = 0;
  int resumes = 0;
  int ticks = 0;
  // Before (false) and after (true) a write is carried out: what it returns.
  std::function<Error(bool after)> fail;
  // What is refused for good after so many rows of a write, by the id of the run.
  std::map<std::string, size_t> refused;

  StoredRun& only() {
    EXPECT_EQ(runs.size(), 1u);
    return runs.begin()->second;
  }
};

class MemoryBackend final : public wandb::Backend {
 public:
  explicit MemoryBackend(Stored* stored) : stored_(stored) {}

  std::string destination() const override { return "memory"; }
  Error resume(RunState* state) override {
    ++stored_->resumes;
    const auto found = stored_->runs.find(state->id);
    if (found == stored_->runs.end()) return Error::none();
    const StoredRun& run = found->second;
    state->lines = static_cast<int64_t>(run.lines.size());
    if (!run.lines.empty()) {
      const json last = run.row(state->lines - 1);
      state->next_step = last["_step"].get<int64_t>() + 1;
      state->ran_ns = static_cast<int64_t>(last["_runtime"].get<double>() * 1e9 + 0.5);
    }
    state->resumed = true;
    state->summary = run.summary;
    state->tags = run.tags;
    return Error::none();
  }
  Error write(RunState* state, const RunDelta& delta, std::vector<wandb::Loss>* /*lost*/) override {
    if (Error error = fail(false)) return error;
    ++stored_->writes;
    StoredRun& run = stored_->runs[state->id];
    if (delta.begins) {
      ++run.begins;
      run.exit_code.reset();
      run.name = state->name;
    }
    int64_t line = state->lines;
    const auto refused = stored_->refused.find(state->id);
    for (const wandb::Row& row : delta.rows) {
      if (refused != stored_->refused.end() && line >= state->lines + static_cast<int64_t>(refused->second)) break;
      const std::string text = row_text(row, *state);
      std::string& place = run.lines[line++];
      run.rewritten += !place.empty() && place != text ? 1 : 0;
      place = text;
    }
    if (refused != stored_->refused.end()) return {TR_EINVAL, "no more of this"};
    for (const auto& [key, value] : delta.config) run.config[key] = value;
    for (const auto& [key, value] : delta.summary) run.summary[key] = value;
    run.tags = state->tags;
    for (const auto& file : delta.files) run.files.push_back(file.path);
    for (const auto& artifact : delta.artifacts) run.artifacts.push_back(artifact.client_id);
    if (delta.exit_code) run.exit_code = delta.exit_code;
    if (Error error = fail(true)) return error;
    state->lines = line;
    return Error::none();
  }
  Expected<int64_t> lines_there(RunState* state) override {
    const auto found = stored_->runs.find(state->id);
    return found == stored_->runs.end() ? 0 : static_cast<int64_t>(found->second.lines.size());
  }
  void tick() override { ++stored_->ticks; }

 private:
  Error fail(bool after) { return stored_->fail ? stored_->fail(after) : Error::none(); }

  Stored* const stored_;
};

inline wandb::SinkOptions options() {
  wandb::SinkOptions options;
  options.terms.config = {{"model", "\"gpt-4o\""}};
  options.terms.tags = {"t"};
  return options;
}

// One scenario, and what QitOS logged of it.
class Scenario : public test::QitosEvents {
 public:
  explicit Scenario(const std::string& name) : QitosEvents("qitos_wandb.json", name) {}

  // The rows that QitOS logged, each with its step, in order and over all runs.
  std::vector<json> rows() const {
    std::vector<json> all;
    for (const json& entry : timeline()) {
      if (entry[0] != "run.log") continue;
      all.push_back(entry[1][0]);
      all.back()["_step"] = entry[2]["step"];
    }
    return all;
  }
  // All that a call was given, the last of each key.
  json pairs(const std::string& call) const {
    json all = json::object();
    for (const json& entry : timeline()) {
      if (entry[0] == call) all.update(entry[1][0]);
    }
    return all;
  }
  size_t count(const std::string& call) const {
    return static_cast<size_t>(
        std::count_if(timeline().begin(), timeline().end(), [&](const json& entry) { return entry[0] == call; }));
  }
};

inline int deliver(wandb::Sink& to, const std::vector<const tr_record*>& records, uint32_t flags = 0) {
  tr_batch batch{};
  batch.flags = flags;
  batch.run_id = "run-a";
  batch.records = records.data();
  batch.count = records.size();
  return to.on_batch(batch);
}

// The payloads of a `.wandb` file, up to where it is cut short; ADD_FAILURE where it is damaged before that.
inline std::vector<std::string> read_log(const std::string& bytes) {
  std::vector<std::string> records;
  EXPECT_EQ(bytes.substr(0, 7), std::string(":W&B\xe1\xbe\0", 7));
  std::string record;
  const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at])); };
  for (size_t at = 7; at + 7 <= bytes.size();) {
    if (const size_t room = 32768 - at % 32768; room < 7) {
      at += room;
      continue;
    }
    const size_t size = byte(at + 4) | byte(at + 5) << 8;
    const uint32_t type = byte(at + 6);
    if (at + 7 + size > bytes.size()) break;
    uint32_t crc = 0xffffffff;  // bit by bit, as it is defined
    for (size_t i = at + 6; i < at + 7 + size; ++i) {
      crc ^= byte(i);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    const uint32_t told = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
    if (~crc != told) ADD_FAILURE() << "a wrong checksum at " << at;
    record.append(bytes, at + 7, size);
    if (type == 1 || type == 4) records.push_back(std::exchange(record, {}));
    at += 7 + size;
  }
  return records;
}

// Of one `.wandb` file: the rows, and what the records add up to.
struct LoggedRun {
  std::vector<json> rows;
  json summary = json::object();
  json config = json::object();
  std::vector<std::string> tags;
  std::string id;
  std::string name;
  std::string project;
  std::optional<int64_t> exit_code;
  std::vector<int64_t> numbers;
};

inline json read_items(protozero::pbf_reader reader) {
  json all = json::object();
  while (reader.next(1)) {
    protozero::pbf_reader item = reader.get_message();
    std::string key;
    std::string nested;
    std::string value;
    while (item.next()) {
      if (item.tag() == 1)
        key = item.get_string();
      else if (item.tag() == 2)
        nested += "/" + item.get_string();
      else if (item.tag() == 16)
        value = item.get_string();
      else
        item.skip();
    }
    const json parsed = json::parse(value, nullptr, false);
    all[key.empty() ? nested : key] = parsed.is_discarded() ? json(value) : parsed;
  }
  return all;
}

inline void read_run(protozero::pbf_reader run, LoggedRun* out) {
  out->tags.clear();
  while (run.next()) {
    switch (run.tag()) {
      case 1:
        out->id = run.get_string();
        break;
      case 3:
        out->project = run.get_string();
        break;
      case 4:
        out->config.update(read_items(run.get_message()));
        break;
      case 8:
        out->name = run.get_string();
        break;
      case 10:
        out->tags.push_back(run.get_string());
        break;
      default:
        run.skip();
    }
  }
}

inline LoggedRun read_logged_run(const std::string& bytes) {
  LoggedRun out;
  for (const std::string& payload : read_log(bytes)) {
    protozero::pbf_reader record(payload);
    while (record.next()) {
      switch (record.tag()) {
        case 1:
          out.numbers.push_back(record.get_int64());
          break;
        case 2:
          out.rows.push_back(read_items(record.get_message()));
          break;
        case 3:
          out.summary.update(read_items(record.get_message()));
          break;
        case 5:
          out.config.update(read_items(record.get_message()));
          break;
        case 17:
          read_run(record.get_message(), &out);
          break;
        case 18: {
          protozero::pbf_reader exit = record.get_message();
          out.exit_code = exit.next(1) ? exit.get_int32() : 0;
          break;
        }
        default:
          record.skip();
      }
    }
  }
  return out;
}

}  // namespace trunkline::wandb_test
