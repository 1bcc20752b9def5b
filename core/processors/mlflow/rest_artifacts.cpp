#include "processors/mlflow/rest_artifacts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/url.hpp"

namespace trunkline::mlflow {
namespace {

using nlohmann::json;

constexpr std::string_view kScheme = "mlflow-artifacts:";
constexpr const char* kArtifacts = "/api/2.0/mlflow-artifacts/artifacts";

bool is_listed(const std::string& answer, const std::string& name) {
  const json list = json::parse(answer, nullptr, false);
  const json files = list.is_object() ? list.value("files", json::array()) : json::array();
  return std::any_of(files.begin(), files.end(),
                     [&](const json& file) { return file.is_object() && file.value("path", json()) == json(name); });
}

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

Error RestArtifacts::send(const std::string& path, net::Request request) {
  request.method = "PUT";
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
  return send(path, std::move(request));
}

Error RestArtifacts::put_file(const std::string& path, const std::string& file) {
  net::Request request;
  request.file = file;
  return send(path, std::move(request));
}

// Asked for what it does not have, a server may say that it is broken (500): first it is asked what there is.
Expected<std::string> RestArtifacts::get(const std::string& folder, const std::string& name) {
  std::string answer;
  Error error = rest_->get(kArtifacts + ("?path=" + net::escape_url(folder)), &answer);
  if (error.code == TR_ENOENT || (!error && !is_listed(answer, name))) return std::string();
  if (error) return error;
  std::string bytes;
  error = rest_->fetch(kArtifacts + net::escape_url("/" + folder + "/" + name, true), kMostBytesRead, &bytes);
  if (error.code == TR_ENOENT) return std::string();
  if (error) return error;
  return bytes;
}

}  // namespace trunkline::mlflow
