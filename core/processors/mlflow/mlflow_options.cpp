#include "processors/mlflow/mlflow_options.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "encode/json_options.hpp"
#include "encode/json_writer.hpp"
#include "model/environment.hpp"
#include "os/file.hpp"
#include "processors/credentials.hpp"
#include "processors/mlflow/mlflow_keys.hpp"
#include "processors/mlflow/run_work.hpp"

namespace trunkline::mlflow {
namespace {

constexpr const char* kSubject = "mlflow processor";
constexpr uint64_t kMostTimeoutMs = 3'600'000;

std::string variable(net::GetVariable get, const char* name) {
  const char* value = get(name);
  return value == nullptr ? "" : value;
}

void or_variable(std::string* text, net::GetVariable get, const char* name) {
  if (text->empty()) *text = variable(get, name);
}

// "username" and "password" in the [mlflow] section of ~/.mlflow/credentials.
void read_credentials_file(net::GetVariable get, std::string* username, std::string* password) {
  const std::string home = variable(get, "HOME");
  if (home.empty()) return;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen((home + "/.mlflow/credentials").c_str(), "re"),
                                                   &std::fclose);
  if (file == nullptr) return;
  bool ours = false;
  char line[1024];
  while (std::fgets(line, sizeof line, file.get()) != nullptr) {
    std::string_view text(line);
    const auto trim = [](std::string_view part) {
      const size_t first = part.find_first_not_of(" \t\r\n");
      if (first == std::string_view::npos) return std::string_view{};
      return part.substr(first, part.find_last_not_of(" \t\r\n") - first + 1);
    };
    text = trim(text);
    if (!text.empty() && text[0] == '[') ours = text == "[mlflow]";
    const size_t equals = text.find('=');
    if (!ours || equals == std::string_view::npos) continue;
    const std::string_view key = trim(text.substr(0, equals));
    if (key == "mlflow_tracking_username" && username->empty()) *username = trim(text.substr(equals + 1));
    if (key == "mlflow_tracking_password" && password->empty()) *password = trim(text.substr(equals + 1));
  }
  explicit_bzero(line, sizeof line);
}

void choose_credentials(std::string* password, std::string* token, net::GetVariable get, Options* options) {
  or_variable(&options->username, get, "MLFLOW_TRACKING_USERNAME");
  or_variable(password, get, "MLFLOW_TRACKING_PASSWORD");
  or_variable(token, get, "MLFLOW_TRACKING_TOKEN");
  if (token->empty()) read_credentials_file(get, &options->username, password);
  if (!options->username.empty() && !password->empty()) {
    options->authorization = processors::basic_authorization(options->username, *password);
  } else if (!token->empty()) {
    std::string header = "Bearer " + *token;
    options->authorization = net::Secret(header);
    processors::wipe(&header);
  }
  processors::wipe(password);
  processors::wipe(token);
}

bool is_true(const std::string& text) { return text == "true" || text == "True" || text == "TRUE" || text == "1"; }

}  // namespace

bool Options::is_server() const {
  return tracking_uri.rfind("http://", 0) == 0 || tracking_uri.rfind("https://", 0) == 0;
}

Expected<Options> read_options(std::string_view options_json, net::GetVariable get) {
  Options options;
  std::string password;
  std::string token;
  uint64_t timeout_ms = 0;
  std::vector<std::pair<std::string, std::string>> tags;
  encode::JsonOptions json(options_json, kSubject);
  json.read_string("tracking_uri", &options.tracking_uri);
  json.read_string("experiment_name", &options.experiment_name);
  json.read_string("experiment_id", &options.experiment_id);
  json.read_string("run_name", &options.run_name);
  json.read_string("run_id", &options.run_id);
  json.read_texts("tags", &tags);
  json.read_bool("auto_end_run", &options.auto_end_run);
  json.read_bool("traces", &options.traces);
  json.read_string("username", &options.username);
  json.read_string("password", &password);
  json.read_string("token", &token);
  json.read_string("tls_ca", &options.tls_ca);
  json.read_string("tls_client_certificate", &options.tls_client_certificate);
  options.tls_insecure = is_true(variable(get, "MLFLOW_TRACKING_INSECURE_TLS"));
  json.read_bool("tls_insecure", &options.tls_insecure);
  json.read_u64("timeout_ms", 1, &timeout_ms);
  if (Error error = json.finish()) return error;
  or_variable(&options.tracking_uri, get, "MLFLOW_TRACKING_URI");
  or_variable(&options.run_id, get, "MLFLOW_RUN_ID");
  if (options.experiment_id.empty() && options.experiment_name.empty()) {
    options.experiment_id = variable(get, "MLFLOW_EXPERIMENT_ID");
    if (options.experiment_id.empty()) options.experiment_name = variable(get, "MLFLOW_EXPERIMENT_NAME");
  }
  if (options.experiment_id.find_first_not_of("0123456789abcdefABCDEF-") != std::string::npos) {
    return Error{TR_EINVAL, std::string(kSubject) + ": option \"experiment_id\", or MLFLOW_EXPERIMENT_ID, is no id"};
  }
  if (options.experiment_name.empty()) options.experiment_name = "Default";
  or_variable(&options.tls_ca, get, "MLFLOW_TRACKING_SERVER_CERT_PATH");
  or_variable(&options.tls_client_certificate, get, "MLFLOW_TRACKING_CLIENT_CERT_PATH");
  if (timeout_ms == 0) {
    const auto seconds = parse_u64("MLFLOW_HTTP_REQUEST_TIMEOUT", variable(get, "MLFLOW_HTTP_REQUEST_TIMEOUT"), false,
                                   kMostTimeoutMs / 1000);
    timeout_ms = seconds && *seconds > 0 ? *seconds * 1000 : options.timeout_ms;
  }
  options.timeout_ms = static_cast<uint32_t>(std::min(timeout_ms, kMostTimeoutMs));
  for (const auto& [key, value] : tags) put_tag(&options.tags, key, value);
  choose_credentials(&password, &token, get, &options);
  return options;
}

Expected<net::Endpoint> make_endpoint(Options* options, net::GetVariable get) {
  auto url = net::parse_url(options->tracking_uri);
  const std::string begin = std::string(kSubject) + ": ";
  if (!url) {
    const std::string& uri = options->tracking_uri;
    const bool other = uri.find("://") != std::string::npos && uri.rfind("http", 0) != 0;
    return Error{TR_EINVAL,
                 begin + "option \"tracking_uri\", or MLFLOW_TRACKING_URI: " + url.error().message +
                     (other ? "; a database needs a server before it: mlflow server --backend-store-uri ..." : "")};
  }
  net::Endpoint endpoint;
  endpoint.url = std::move(*url);
  endpoint.authorization = std::move(options->authorization);
  if (endpoint.authorization.empty() && !endpoint.url.user.empty()) {
    endpoint.authorization =
        processors::basic_authorization(endpoint.url.user.reveal(), endpoint.url.password.reveal());
  }
  endpoint.ca = options->tls_ca;
  endpoint.client_certificate = options->tls_client_certificate;
  endpoint.insecure = options->tls_insecure;
  endpoint.proxies = net::read_proxies(get);
  if (Error error = endpoint.check()) return Error{TR_EINVAL, begin + error.message};
  return endpoint;
}

std::string missing_password(const Options& options, const net::Endpoint& endpoint) {
  if (options.username.empty() || !endpoint.authorization.empty()) return {};
  return "there is a user name and no password (option \"password\", or MLFLOW_TRACKING_PASSWORD), so the server is "
         "asked without either";
}

std::string user_name(const Options& options, net::GetVariable get) {
  if (!options.username.empty()) return options.username;
  for (const char* name : {"LOGNAME", "USER"}) {
    if (std::string user = variable(get, name); !user.empty()) return user;
  }
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(geteuid());
}

std::vector<Item> standard_tags(const Options& options, const std::string& user) {
  std::vector<Item> tags;
  put_tag(&tags, "mlflow.user", user);
  std::string program(256, '\0');
  const UniqueFd file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  const ssize_t got = file ? ::read(file.get(), program.data(), program.size() - 1) : 0;
  program.resize(got > 0 ? std::strlen(program.c_str()) : 0);
  put_tag(&tags, "mlflow.source.name", program);
  put_tag(&tags, "mlflow.source.type", "LOCAL");
  for (const Item& tag : options.tags) {
    if (tag.key != "mlflow.runName") put_tag(&tags, tag.key, tag.value);
  }
  return tags;
}

}  // namespace trunkline::mlflow
