#include "processors/mlflow/mlflow_processor.hpp"

#include <filesystem>
#include <memory>

#include "encode/digest.hpp"
#include "model/environment.hpp"
#include "processors/mlflow/file_store.hpp"
#include "processors/mlflow/file_store_path.hpp"
#include "processors/mlflow/mlflow_options.hpp"
#include "processors/mlflow/mlflow_sink.hpp"
#include "processors/mlflow/rest_backend.hpp"

namespace trunkline {
namespace {

using processors::guarded;
using processors::ProcessorHost;

constexpr uint32_t kBatchRecords = 1000;

struct MlflowProcessor {
  MlflowProcessor(std::string place, mlflow::SinkOptions options, std::unique_ptr<mlflow::Backend> backend,
                  const ProcessorHost& host)
      : destination(std::move(place)), sink(std::move(options), std::move(backend), host) {}

  const std::string destination;
  mlflow::Sink sink;
};

int on_batch(void* user_data, const tr_batch* batch) {
  return guarded([&] { return static_cast<MlflowProcessor*>(user_data)->sink.on_batch(*batch); });
}

int restore(void* user_data, const char* run_id, const void* state, size_t size) {
  return guarded([&] {
    static_cast<MlflowProcessor*>(user_data)->sink.restore(run_id, {static_cast<const char*>(state), size});
    return TR_OK;
  });
}

void release(void* user_data) { delete static_cast<MlflowProcessor*>(user_data); }

Expected<std::unique_ptr<mlflow::Backend>> make_backend(mlflow::Options* options, const ProcessorHost& host) {
  if (options->tracking_uri.empty() || mlflow::is_file_uri(options->tracking_uri)) {
    std::error_code failure;
    const std::string folder = std::filesystem::current_path(failure).string();
    if (failure) return Error{TR_EINVAL, "mlflow processor: the working directory cannot be read"};
    auto root = mlflow::file_store_root(options->tracking_uri, folder);
    if (!root) return Error{TR_EINVAL, "mlflow processor: option \"tracking_uri\": " + root.error().message};
    say(host, TR_LEVEL_INFO, mlflow::file_store_advice(*root));
    return std::unique_ptr<mlflow::Backend>(std::make_unique<mlflow::FileStore>(std::move(*root)));
  }
  auto endpoint = mlflow::make_endpoint(options, &secure_variable);
  if (!endpoint) return endpoint.error();
  const std::string missing = mlflow::missing_password(*options, *endpoint);
  if (!missing.empty()) say(host, TR_LEVEL_WARN, "mlflow processor: " + missing);
  auto rest = std::make_unique<mlflow::Rest>(std::move(*endpoint), options->timeout_ms, host);
  return std::unique_ptr<mlflow::Backend>(std::make_unique<mlflow::RestBackend>(std::move(rest)));
}

mlflow::SinkOptions sink_options(const mlflow::Options& options) {
  mlflow::SinkOptions sink;
  sink.experiment_name = options.experiment_name;
  sink.experiment_id = options.experiment_id;
  sink.run_name = options.run_name;
  sink.run_id = options.run_id;
  sink.user = mlflow::user_name(options, &secure_variable);
  sink.tags = mlflow::standard_tags(options, sink.user);
  sink.auto_end_run = options.auto_end_run;
  sink.traces = options.traces;
  return sink;
}

}  // namespace

Error make_mlflow_processor(std::string_view options_json, const std::string& /*directory*/, tr_processor* out,
                            const ProcessorHost& host) {
  auto options = mlflow::read_options(options_json, &secure_variable);
  if (!options) return options.error();
  auto backend = make_backend(&*options, host);
  if (!backend) return backend.error();
  const std::string place = options->experiment_id.empty() ? options->experiment_name : options->experiment_id;
  std::string destination = (*backend)->destination() + " " + place;
  mlflow::SinkOptions with = sink_options(*options);
  // What waits for one place may be delivered to another, which knows nothing of the runs of the first.
  with.state_mark = encode::hex_of(encode::digest_of<encode::Md5>(destination)) + "\n";
  auto processor =
      std::make_unique<MlflowProcessor>(std::move(destination), std::move(with), std::move(*backend), host);
  tr_processor table{};
  table.flags = TR_PROCESSOR_DURABLE | TR_PROCESSOR_AT_EXIT;
  table.user_data = processor.get();
  table.name = "mlflow";
  table.destination = processor->destination.c_str();
  table.on_batch = on_batch;
  table.restore = restore;
  table.release = release;
  table.batch_size = kBatchRecords;
  Error error = processors::hand_over(table, out);
  if (!error) (void)processor.release();
  return error;
}

}  // namespace trunkline
