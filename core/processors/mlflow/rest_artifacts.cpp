#include "processors/mlflow/rest_artifacts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/url.hpp"

namespace trunkline::mlflow {
namespace {

using nlohmann::json;

constexpr std::string_view kScheme = "mlflow-artifacts:";
constexpr const char* kArtifacts = "/api/2.0/mlflow-artifacts/artifacts";

}  // namespace

Expected<std::string> artifact_path(const std::string& uri) {
  if (uri.rfind(kScheme, 0) != 0) {
    return Error{TR_EUNSUPPORTED, "artifacts do not go through the server (" + uri.substr(0, uri.find(':')) + ")"};
  }
  std::string path = uri.substr(kScheme.size());
  if (path.rfind("//", 0) == 0) path.erase(0, std::min(path.find('/', 2), path.size()));
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  return path;
}

Error RestArtifacts::send(const char* method, const std::string& path, net::Request request) {
  request.method = method;
  request.path = kArtifacts + net::escape_url("/" + path, true);
  request.headers = {{"Content-Type", "application/octet-stream"}};
  int status = 0;
  Error error = rest_->send(std::move(request), &status);
  if (error.code == TR_ENOENT) error.code = TR_EINVAL;
  return error;
}

Error RestArtifacts::put(const std::string& path, std::string bytes) {
  net::Request request;
  request.body = std::move(bytes);
  return send("PUT", path, std::move(request));
}

Error RestArtifacts::put_file(const std::string& path, const std::string& file) {
  net::Request request;
  request.file = file;
  return send("PUT", path, std::move(request));
}

Error RestArtifacts::remove(const std::string& path) { return send("DELETE", path, {}); }

Expected<std::vector<std::string>> RestArtifacts::list(const std::string& folder) {
  std::vector<std::string> names;
  std::string answer;
  Error error = rest_->get(kArtifacts + ("?path=" + net::escape_url(folder)), &answer);
  if (error.code == TR_ENOENT) return names;
  if (error) return error;
  const json files = json::parse(answer).value("files", json());
  for (size_t i = 0; files.is_array() && i < files.size(); ++i) {
    const json path = files[i].is_object() ? files[i].value("path", json()) : json();
    if (path.is_string() && !files[i].value("is_dir", false)) names.push_back(path.get<std::string>());
  }
  return names;
}

Expected<std::string> RestArtifacts::read(const std::string& path) {
  std::string bytes;
  Error error = rest_->fetch(kArtifacts + net::escape_url("/" + path, true), kMostBytesRead, &bytes);
  if (error && error.code != TR_ENOENT) return error;
  return bytes;
}

// Asked for what it does not have, a server may say that it is broken (500): first it is asked what there is.
Expected<std::string> RestArtifacts::get(const std::string& folder, const std::string& name) {
  const auto names = list(folder);
  if (!names) return names.error();
  if (std::find(names->begin(), names->end(), name) == names->end()) return std::string();
  return read(folder + "/" + name);
}

}  // namespace trunkline::mlflow
