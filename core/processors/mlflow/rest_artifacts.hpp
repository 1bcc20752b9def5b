// Files among MLflow's artifacts, as far as they go through the tracking server.
#pragma once

#include <string>
#include <vector>

#include "model/expected.hpp"
#include "processors/mlflow/mlflow_rest.hpp"

namespace trunkline::mlflow {

// The path below the server's artifacts that a URI of artifacts names. TR_EUNSUPPORTED: they do not go through it.
Expected<std::string> artifact_path(const std::string& uri);

// The errors of all of them are those of Backend; TR_ENOENT does not occur, for what is missing is no run.
class RestArtifacts {
 public:
  explicit RestArtifacts(Rest* rest) : rest_(rest) {}

  Error put(const std::string& path, std::string bytes);
  Error put_file(const std::string& path, const std::string& file);
  // The names of the files in a folder, which need not be there.
  Expected<std::vector<std::string>> list(const std::string& folder);
  // Empty: there is no such file. TR_EINVAL: also one that is longer than kMostBytesRead.
  Expected<std::string> read(const std::string& path);
  // The same of a file that may be missing.
  Expected<std::string> get(const std::string& folder, const std::string& name);
  Error remove(const std::string& path);

  static constexpr size_t kMostBytesRead = size_t{64} << 20;

 private:
  Error send(const char* method, const std::string& path, net::Request request);

  Rest* const rest_;
};

}  // namespace trunkline::mlflow
