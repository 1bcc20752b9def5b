#include "trace/csv.hpp"

namespace trunkline::cli {

std::string csv_line(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) {
    if (&text != &texts.front()) line.push_back(',');
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
      line.append(text);
      continue;
    }
    line.push_back('"');
    for (const char c : text) line.append(c == '"' ? 2 : 1, c);
    line.push_back('"');
  }
  return line + "\r\n";
}

}  // namespace trunkline::cli
