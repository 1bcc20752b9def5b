#include "processors/wandb/wandb_processor.hpp"

#include <memory>

#include "encode/digest.hpp"
#include "model/environment.hpp"
#include "processors/wandb/offline_backend.hpp"
#include "processors/wandb/online_backend.hpp"
#include "processors/wandb/wandb_options.hpp"
#include "processors/wandb/wandb_sink.hpp"

namespace trunkline {
namespace {

using processors::guarded;
using processors::ProcessorHost;

constexpr uint32_t kBatchRecords = 4000;
constexpr uint32_t kTickMs = 1000;

struct WandbProcessor {
  std::string destination;
  std::unique_ptr<wandb::Sink> sink;  // none: disabled
};

int on_batch(void* user_data, const tr_batch* batch) {
  auto* processor = static_cast<WandbProcessor*>(user_data);
  if (processor->sink == nullptr) return TR_OK;
  return guarded([&] { return processor->sink->on_batch(*batch); });
}

int on_tick(void* user_data, int64_t /*unix_ns*/) {
  auto* processor = static_cast<WandbProcessor*>(user_data);
  if (processor->sink == nullptr) return TR_OK;
  return guarded([&] {
    processor->sink->on_tick();
    return TR_OK;
  });
}

int restore(void* user_data, const char* run_id, const void* state, size_t size) {
  auto* processor = static_cast<WandbProcessor*>(user_data);
  if (processor->sink == nullptr) return TR_OK;
  return guarded([&] {
    processor->sink->restore(run_id, {static_cast<const char*>(state), size});
    return TR_OK;
  });
}

void release(void* user_data) { delete static_cast<WandbProcessor*>(user_data); }

Expected<std::unique_ptr<wandb::Sink>> make_sink(wandb::Options* options, const std::string& directory,
                                                 const ProcessorHost& host, std::string* destination) {
  std::unique_ptr<wandb::Backend> backend;
  std::unique_ptr<wandb::Backend> refuge;
  auto files = std::make_unique<wandb::OfflineBackend>(options->folder, options->place);
  wandb::SinkOptions with;
  if (options->mode == wandb::Mode::kOnline) {
    auto endpoint = wandb::make_endpoint(options, &secure_variable);
    if (!endpoint) return endpoint.error();
    auto rest = std::make_unique<wandb::Rest>(std::move(*endpoint), options->timeout_ms, host);
    backend = std::make_unique<wandb::OnlineBackend>(std::move(rest), options->place, host);
    refuge = std::move(files);
    with.interval_ms = options->interval_ms;
  } else {
    backend = std::move(files);
  }
  if (options->mode == wandb::Mode::kOffline && !options->mode_chosen) {
    say(host, TR_LEVEL_WARN,
        "wandb processor: there is no API key (option \"api_key\", WANDB_API_KEY), so runs are written to " +
            options->folder + ", for `wandb sync`");
  }
  *destination = backend->destination() + " " + options->place.entity + "/" + options->place.project;
  if (!options->terms.id.empty()) *destination += "/" + options->terms.id;
  with.terms = options->terms;
  // What waits for one place may be delivered to another, which knows nothing of the runs of the first.
  const std::string place = encode::hex_of(encode::digest_of<encode::Md5>(*destination));
  with.state_mark = place + "\n";
  with.state_folder = directory.empty() ? "" : directory + "/wandb-state/" + place;
  return std::make_unique<wandb::Sink>(std::move(with), std::move(backend), std::move(refuge), host);
}

}  // namespace

Error make_wandb_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const ProcessorHost& host) {
  auto options = wandb::read_options(options_json, &secure_variable);
  if (!options) return options.error();
  auto processor = std::make_unique<WandbProcessor>();
  if (options->mode != wandb::Mode::kDisabled) {
    auto sink = make_sink(&*options, directory, host, &processor->destination);
    if (!sink) return sink.error();
    processor->sink = std::move(*sink);
  }
  tr_processor table{};
  table.flags = TR_PROCESSOR_DURABLE | TR_PROCESSOR_AT_EXIT;
  table.user_data = processor.get();
  table.name = "wandb";
  table.destination = processor->destination.c_str();
  table.on_batch = on_batch;
  table.on_tick = on_tick;
  table.restore = restore;
  table.release = release;
  table.tick_ms = kTickMs;
  table.batch_size = kBatchRecords;
  Error error = processors::hand_over(table, out);
  if (!error) (void)processor.release();
  return error;
}

}  // namespace trunkline
