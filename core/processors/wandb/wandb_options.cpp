#include "processors/wandb/wandb_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "encode/json_options.hpp"
#include "model/environment.hpp"
#include "processors/credentials.hpp"

namespace trunkline::wandb {
namespace {

constexpr const char* kSubject = "wandb processor";
constexpr uint64_t kMostMs = 3'600'000;
constexpr size_t kMostProjectBytes = 128;

Error wrong(const std::string& sentence) { return {TR_EINVAL, std::string(kSubject) + ": " + sentence}; }

std::string variable(net::GetVariable get, const char* name) {
  const char* value = get(name);
  return value == nullptr ? "" : value;
}

struct TextOption {
  const char* name;
  const char* variable;
  std::string* text;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    std::string part = list.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

Error check_names(const Options& options) {
  const std::string& project = options.place.project;
  const bool control =
      std::any_of(project.begin(), project.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (project.size() > kMostProjectBytes || control || project.find_first_of("/\\#?%:") != std::string::npos) {
    return wrong("option \"project\", or WANDB_PROJECT: at most 128 characters, none of / \\ # ? % :");
  }
  const std::string& id = options.terms.id;
  const bool blank = !id.empty() && (id.front() == ' ' || id.back() == ' ');
  if (blank || id.find_first_of(":;,#?/'\"\\") != std::string::npos || id == "." || id == "..") {
    return wrong("option \"id\", or WANDB_RUN_ID: none of : ; , # ? / ' \" \\ and no blanks around it");
  }
  return Error::none();
}

Error read_mode(const std::string& text, const std::string& key, Options* options) {
  options->mode_chosen = !text.empty();
  if (text == "online" || text == "run") {
    options->mode = Mode::kOnline;
    if (key.empty()) return wrong("mode \"online\" needs option \"api_key\", or WANDB_API_KEY");
  } else if (text == "offline" || text == "dryrun") {
    options->mode = Mode::kOffline;
  } else if (text == "disabled") {
    options->mode = Mode::kDisabled;
  } else if (text.empty()) {
    options->mode = key.empty() ? Mode::kOffline : Mode::kOnline;
  } else {
    return wrong("option \"mode\", or WANDB_MODE, must be one of \"online\", \"offline\", \"disabled\"");
  }
  return Error::none();
}

// W&B's keys are letters, digits, '_' and '-'; what is none of them was not meant as a key, or would be a header of its
// own.
Error read_key(std::string* key, Options* options) {
  const bool legal = std::all_of(key->begin(), key->end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (legal && !key->empty()) options->authorization = processors::basic_authorization("api", *key);
  processors::wipe(key);
  return legal ? Error::none() : wrong("option \"api_key\", or WANDB_API_KEY, is no key: it has blanks or the like");
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// Where W&B's own client puts its runs: the folder `wandb` in the directory.
Expected<std::string> folder_in(const std::string& directory) {
  std::error_code failure;
  const auto absolute = std::filesystem::absolute(directory.empty() ? "." : directory, failure);
  if (failure || directory.find('\0') != std::string::npos)
    return wrong("option \"dir\", or WANDB_DIR, is no directory");
  return (absolute / "wandb").lexically_normal().string();
}

Error read_timeouts(uint64_t timeout_ms, uint64_t interval_ms, net::GetVariable get, Options* options) {
  if (timeout_ms == 0) {
    const auto seconds = parse_u64("WANDB_HTTP_TIMEOUT", variable(get, "WANDB_HTTP_TIMEOUT"), false, kMostMs / 1000);
    timeout_ms = seconds && *seconds > 0 ? *seconds * 1000 : options->timeout_ms;
  }
  options->timeout_ms = static_cast<uint32_t>(std::min(timeout_ms, kMostMs));
  options->interval_ms = static_cast<uint32_t>(std::min(interval_ms, kMostMs));
  return Error::none();
}

}  // namespace

Expected<Options> read_options(std::string_view options_json, net::GetVariable get) {
  Options options;
  std::string mode;
  std::string key;
  std::string directory;
  uint64_t timeout_ms = 0;
  uint64_t interval_ms = options.interval_ms;
  std::vector<std::pair<std::string, std::string>> config;
  const TextOption texts[] = {{"project", "WANDB_PROJECT", &options.place.project},
                              {"entity", "WANDB_ENTITY", &options.place.entity},
                              {"name", "WANDB_NAME", &options.terms.name},
                              {"id", "WANDB_RUN_ID", &options.terms.id},
                              {"group", "WANDB_RUN_GROUP", &options.terms.group},
                              {"job_type", "WANDB_JOB_TYPE", &options.place.job_type},
                              {"notes", "WANDB_NOTES", &options.place.notes},
                              {"resume", "WANDB_RESUME", &options.place.resume},
                              {"mode", "WANDB_MODE", &mode},
                              {"dir", "WANDB_DIR", &directory},
                              {"base_url", "WANDB_BASE_URL", &options.base_url},
                              {"api_key", "WANDB_API_KEY", &key},
                              {"tls_ca", "REQUESTS_CA_BUNDLE", &options.tls_ca}};
  encode::JsonOptions json(options_json, kSubject);
  for (const TextOption& each : texts) json.read_string(each.name, each.text);
  json.read_object("config", &config);
  json.read_list("tags", &options.terms.tags);
  json.read_bool("auto_finish", &options.terms.auto_finish);
  json.read_bool("trace_tree", &options.terms.trace_tree);
  json.read_u64("timeout_ms", 1, &timeout_ms);
  json.read_u64("interval_ms", 0, &interval_ms);
  if (Error error = json.finish()) return error;
  for (const TextOption& each : texts) {
    if (each.text->empty()) *each.text = variable(get, each.variable);
  }
  if (options.terms.tags.empty()) options.terms.tags = split(variable(get, "WANDB_TAGS"));
  for (auto& [name, text] : config) options.terms.config[name] = std::move(text);
  if (options.place.project.empty()) options.place.project = "uncategorized";
  if (options.base_url.empty()) options.base_url = "https://api.wandb.ai";
  const std::string& resume = options.place.resume;
  if (!resume.empty() && resume != "allow" && resume != "must" && resume != "never" && resume != "auto") {
    return wrong("option \"resume\", or WANDB_RESUME, must be one of \"allow\", \"must\", \"never\", \"auto\"");
  }
  options.place.host = host_name();
  auto folder = folder_in(directory);
  if (!folder) return folder.error();
  options.folder = std::move(*folder);
  if (Error error = check_names(options)) return error;
  if (Error error = read_mode(mode, key, &options)) return error;
  if (Error error = read_timeouts(timeout_ms, interval_ms, get, &options)) return error;
  if (Error error = read_key(&key, &options)) return error;
  return options;
}

Expected<net::Endpoint> make_endpoint(Options* options, net::GetVariable get) {
  auto url = net::parse_url(options->base_url);
  if (!url) return wrong("option \"base_url\", or WANDB_BASE_URL: " + url.error().message);
  net::Endpoint endpoint;
  endpoint.url = std::move(*url);
  endpoint.authorization = std::move(options->authorization);
  endpoint.ca = options->tls_ca;
  endpoint.proxies = net::read_proxies(get);
  if (Error error = endpoint.check()) return wrong(error.message);
  return endpoint;
}

}  // namespace trunkline::wandb
