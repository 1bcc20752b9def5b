// A run whose process died. Taking it over moves what its recorder still held into its log; its processors' cursors
// then tell what each had not acknowledged, for the processors of equal identity to take.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/cursor_file.hpp"
#include "log/log_reader.hpp"
#include "log/run_directory.hpp"
#include "model/redactor.hpp"
#include "pipeline/block_source.hpp"

namespace trunkline::pipeline {

// What recovery found in the recorder.
struct Recovered {
  uint64_t finished = 0;    // records that were not in the log yet
  uint64_t incomplete = 0;  // spans that were open
  uint64_t corrupt = 0;
};

class DeadRun : public BlockSource {
 public:
  // TR_EAGAIN: alive, or somebody else has it.
  static Expected<std::shared_ptr<DeadRun>> adopt(const std::string& directory, const std::string& id,
                                                  const Redactor* redactor);

  const std::string& id() const { return directory_.id(); }
  int fd() const { return directory_.fd(); }
  int64_t created_unix_ns() const { return directory_.created_unix_ns(); }
  const Recovered& recovered() const { return recovered_; }
  // Cursors that have not reached the end.
  Expected<std::vector<Cursor>> unfinished_cursors();
  // Nobody needs it any more.
  Error remove() { return directory_.remove(); }

  Expected<std::shared_ptr<const Block>> read(uint64_t sequence) override;
  uint64_t last_sequence() const override { return last_sequence_; }

 private:
  explicit DeadRun(RunDirectory directory) : directory_(std::move(directory)) {}
  Error recover(const Redactor* redactor);
  Error open_reader();

  RunDirectory directory_;
  Recovered recovered_;
  uint64_t last_sequence_ = 0;
  std::mutex mutex_;
  std::optional<LogReader> reader_;
};

}  // namespace trunkline::pipeline
