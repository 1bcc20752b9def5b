// Plays conformance scenarios through the C API: scenarios FILE... plays those; scenarios --altered FILE plays what
// that file alters in them, each of which must fail.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "scenarios/player.hpp"

namespace trunkline::scenarios {
namespace {

namespace fs = std::filesystem;

json read(const fs::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return json::parse(in);
}

std::vector<std::string> play(const json& scenario) {
  try {
    return Player(scenario).run();
  } catch (const std::exception& error) {
    return {error.what()};
  }
}

int play_files(const std::vector<fs::path>& files) {
  int failed = 0;
  for (const fs::path& file : files) {
    for (const std::string& failure : play(read(file))) {
      std::printf("%s: %s\n", file.stem().c_str(), failure.c_str());
      failed = 1;
    }
  }
  return failed;
}

json altered(const fs::path& folder, const json& alteration) {
  Fields fields(alteration, "an alteration");
  json scenario = read(folder / "scenarios" / (fields.text("scenario") + ".json"));
  const json::json_pointer at(fields.text("at"));
  fields.text("sees", "");
  if (fields.take("remove", false).get<bool>()) {
    json& holder = scenario.at(at.parent_pointer());
    if (holder.is_array()) {
      holder.erase(std::stoul(at.back()));
    } else {
      holder.erase(at.back());
    }
  } else {
    scenario[at] = fields.take("value");
  }
  fields.finish();
  return scenario;
}

int play_altered(const fs::path& file) {
  int failed = 0;
  for (const json& alteration : read(file)) {
    const auto failures = play(altered(file.parent_path(), alteration));
    if (failures.empty()) {
      std::printf("not noticed: %s\n", alteration.dump().c_str());
      failed = 1;
    } else {
      std::printf("noticed: %.200s\n", failures.front().c_str());
    }
  }
  return failed;
}

}  // namespace
}  // namespace trunkline::scenarios

int main(int count, char** arguments) {
  using namespace trunkline::scenarios;
  if (count == 3 && std::strcmp(arguments[1], "--altered") == 0) return play_altered(arguments[2]);
  if (count < 2) {
    std::fprintf(stderr, "usage: scenarios FILE... | --altered FILE\n");
    return 2;
  }
  return play_files({arguments + 1, arguments + count});
}
