// W&B runs at the server. Rows have their line numbers from the state, so a request that is said again puts them where
// they are. Runs that are open are told to be alive when nothing else is told of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/time.hpp"
#include "processors/wandb/file_upload.hpp"
#include "processors/wandb/run_body.hpp"
#include "processors/wandb/wandb_backend.hpp"
#include "processors/wandb/wandb_rest.hpp"

namespace trunkline::wandb {

class OnlineBackend final : public Backend {
 public:
  // `now`: a clock in nanoseconds.
  OnlineBackend(std::unique_ptr<Rest> rest, Place place, const processors::ProcessorHost& host,
                int64_t (*now)() = &os::monotonic_now)
      : rest_(std::move(rest)),
        upload_(rest_.get(), [this] { tick(); }),
        place_(std::move(place)),
        host_(host),
        now_(now) {}

  std::string destination() const override { return rest_->destination(); }
  Error resume(RunState* state) override;
  Error write(RunState* state, const RunDelta& delta, std::vector<Loss>* lost) override;
  Expected<int64_t> lines_there(RunState* state) override;
  void tick() override;

 private:
  Error upsert(RunState* state);
  Error read_config(RunState* state);
  Error send_files(const RunState& state, const RunDelta& delta, std::vector<Loss>* lost);
  Error send_artifacts(const RunState& state, const RunDelta& delta, std::vector<Loss>* lost);
  Error upsert_if_needed(RunState* state, const RunDelta& delta);
  Error write_with_files(RunState* state, const RunDelta& delta, std::vector<Loss>* lost);
  Error stream(const RunState& state, const RunDelta& delta, const LastWord& last_word);
  std::vector<std::string> uploaded(const RunState& state, const RunDelta& delta) const;
  Error send(const RunState& state, const std::string& body);

  struct Alive {
    std::string id;
    int64_t told = 0;  // when something was last told of it
  };

  const std::unique_ptr<Rest> rest_;
  FileUpload upload_;
  const Place place_;
  const processors::ProcessorHost host_;
  int64_t (*const now_)();
  size_t most_bytes_ = size_t{8} << 20;       // of a request; less where the server takes less
  int64_t lines_taken_ = 0;                   // of the run that was written last, as the server answered
  std::string waits_for_files_;               // all but the files of this delta is there
  std::map<std::string, Alive> alive_;        // open runs, by path
  std::map<std::string, bool> told_to_stop_;  // by path
  // What is settled of files and artifacts, though what they came with has to be said again: whether it is there.
  std::map<std::string, bool> settled_;
};

}  // namespace trunkline::wandb
