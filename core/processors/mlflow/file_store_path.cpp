#include "processors/mlflow/file_store_path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "os/file.hpp"

namespace trunkline::mlflow {
namespace {

constexpr std::string_view kScheme = "file:";
constexpr std::string_view kOwnFolder = "/trunkline-mlflow/mlruns";

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What MLflow takes for a service of that name and not for a folder.
bool is_name_of_a_service(std::string_view uri) { return uri == "databricks" || uri == "databricks-uc" || uri == "uc"; }

// As MLflow itself decides it.
bool is_file_store(const std::string& root) {
  const UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return false;
  const Expected<std::vector<std::string>> names = list_directory(fd.get());
  return names && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
           return is_digits(name) && ::faccessat(fd.get(), (name + "/meta.yaml").c_str(), F_OK, 0) == 0;
         });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    out.push_back(escape ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i]);
    if (escape) i += 2;
  }
  return out;
}

// What follows "file:" without the name of this machine; empty: another machine.
std::string_view without_host(std::string_view rest) {
  if (rest.substr(0, 2) != "//") return rest;
  rest.remove_prefix(2);
  constexpr std::string_view kHere = "localhost/";
  if (rest.substr(0, kHere.size()) == kHere) rest.remove_prefix(kHere.size() - 1);
  return !rest.empty() && rest.front() == '/' ? rest : std::string_view{};
}

}  // namespace

bool is_file_uri(std::string_view uri) {
  if (is_name_of_a_service(uri)) return false;
  return uri.substr(0, kScheme.size()) == kScheme || (!uri.empty() && uri.find(':') == std::string_view::npos);
}

std::string path_of_file_uri(std::string_view uri) {
  if (uri.substr(0, kScheme.size()) != kScheme) return {};
  return percent_decode(without_host(uri.substr(kScheme.size())));
}

Expected<std::string> file_store_root(std::string_view uri, const std::string& folder) {
  if (uri.empty()) {
    const std::string usual = folder + "/mlruns";
    return is_file_store(usual) ? usual : folder + std::string(kOwnFolder);
  }
  const bool has_scheme = uri.substr(0, kScheme.size()) == kScheme;
  const std::string path = has_scheme ? path_of_file_uri(uri) : std::string(uri);
  if (!is_file_uri(uri) || path.empty() || path.find('\0') != std::string::npos) {
    return Error{TR_EINVAL, "not the URI of a folder of this machine"};
  }
  return path.front() == '/' ? path : folder + "/" + path;
}

std::string file_uri(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "file://";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/._~-").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
    }
  }
  return out;
}

std::string file_store_advice(const std::string& root) {
  return "MLflow runs are kept in " + root + ": MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri " +
         file_uri(root) + " shows them, mlflow migrate-filestore takes them into a database";
}

}  // namespace trunkline::mlflow
