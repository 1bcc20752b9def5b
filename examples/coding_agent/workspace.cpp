#include "workspace.hpp"

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "subprocess.hpp"

namespace agent {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxFile = 64 * 1024;

constexpr const char* kMoney = R"(# Amounts of money as text and as whole cents.


def to_cents(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def to_text(cents):
    return "%d.%02d" % (cents // 100, cents % 100)
)";

constexpr const char* kShop = R"(from money import to_cents, to_text


def total(amounts):
    cents = 0
    for i in range(len(amounts)):
        cents += to_cents(amounts[i])
    return to_text(cents)


def discount_percent(quantity):
    if quantity >= 100:
        return 20
    if quantity >= 10:
        return 5
    return 0


def cheapest(prices):
    best = None
    for name in sorted(prices):
        if best is None or to_cents(prices[name]) < to_cents(prices[best]):
            best = name
    return best
)";

constexpr const char* kTests = R"(import unittest

from shop import cheapest, discount_percent, total


class ShopTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([]), "0.00")
        self.assertEqual(total(["1.50", "2.25", "3"]), "6.75")

    def test_discount(self):
        self.assertEqual(discount_percent(9), 0)
        self.assertEqual(discount_percent(10), 5)
        self.assertEqual(discount_percent(100), 20)

    def test_cheapest(self):
        self.assertEqual(cheapest({"tea": "2.90", "milk": "2.35"}), "milk")
        self.assertEqual(cheapest({"nuts": "1.10", "oil": "1.99"}), "nuts")


if __name__ == "__main__":
    unittest.main()
)";

struct Bug {
  const char* right;
  const char* wrong;
};

// Each occurs once in one of the files above.
constexpr Bug kPlanted[Workspace::kBugs] = {
    {"range(len(amounts))", "range(1, len(amounts))"},
    {"quantity >= 10:", "quantity > 10:"},
    {"* 100 + int", "* 100 - int"},
};

std::string with_bug(std::string text, const Bug& bug) {
  const size_t at = text.find(bug.right);
  if (at != std::string::npos) text.replace(at, std::string_view(bug.right).size(), bug.wrong);
  return text;
}

bool write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return !file.fail();
}

bool is_test(const fs::path& path) { return path.filename().string().rfind("test", 0) == 0; }

Outcome make_folder(const std::string& wanted) {
  std::error_code error;
  if (wanted.empty()) {
    std::string name = (fs::temp_directory_path(error) / "coding_agent-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return {false, "cannot make " + name};
    return {true, name};
  }
  fs::create_directories(wanted, error);
  const bool empty = !error && fs::is_directory(wanted, error) && fs::is_empty(wanted, error);
  if (error || !empty) return {false, wanted + " is not an empty folder"};
  return {true, wanted};
}

}  // namespace

Outcome Workspace::create(const std::string& folder, int bug) {
  if (bug < 1 || bug > kBugs) return {false, "there are bugs 1 to " + std::to_string(kBugs)};
  const Outcome made = make_folder(folder);
  if (!made.ok) return made;
  std::error_code error;
  folder_ = fs::canonical(made.text, error);
  const Bug& chosen = kPlanted[bug - 1];
  const bool written = !error && write_file(folder_ / "money.py", with_bug(kMoney, chosen)) &&
                       write_file(folder_ / "shop.py", with_bug(kShop, chosen)) &&
                       write_file(folder_ / "test_shop.py", kTests);
  return {written, written ? folder_.string() : "cannot write into " + made.text};
}

std::vector<std::string> Workspace::files() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.is_regular_file(error)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The path of an existing regular file that lies in the folder, symbolic links resolved.
Outcome Workspace::resolve(const std::string& name) const {
  std::error_code error;
  const fs::path path = fs::canonical(folder_ / name, error);
  if (error) return {false, "there is no file " + name};
  const fs::path relative = path.lexically_relative(folder_);
  if (relative.empty() || *relative.begin() == ".." || relative == ".") return {false, name + " is not in the folder"};
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kMaxFile) {
    return {false, name + " is not a file of at most 64 KiB"};
  }
  return {true, path.string()};
}

Outcome Workspace::read(const std::string& name) const {
  const Outcome path = resolve(name);
  if (!path.ok) return path;
  std::ifstream file(path.text, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return {!file.fail(), file.fail() ? "cannot read " + name : text.str()};
}

Outcome Workspace::edit(const std::string& name, const std::string& old_text, const std::string& new_text) const {
  const Outcome path = resolve(name);
  if (!path.ok) return path;
  if (is_test(path.text)) return {false, name + " is a test and stays as it is"};
  Outcome text = read(name);
  if (!text.ok) return text;
  const size_t at = old_text.empty() ? std::string::npos : text.text.find(old_text);
  if (at == std::string::npos) return {false, "the old text does not occur in " + name};
  if (text.text.find(old_text, at + 1) != std::string::npos) return {false, "the old text occurs more than once"};
  text.text.replace(at, old_text.size(), new_text);
  if (text.text.size() > kMaxFile) return {false, "the file would be too large"};
  if (!write_file(path.text, text.text)) return {false, "cannot write " + name};
  return {true, "changed " + name};
}

Outcome Workspace::run_tests() const {
  Command command;
  command.arguments = {"python3", "-B", "-m", "unittest"};
  command.directory = folder_.string();
  // Nothing of our own environment: the program under test has no business with our keys.
  command.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + folder_.string(), "PYTHONIOENCODING=utf-8"};
  if (const char* path = getenv("PATH")) command.environment[0] = std::string("PATH=") + path;
  command.timeout_ms = 20000;
  command.max_output = 32 * 1024;
  const Finished finished = agent::run(command);
  std::string text = "exit code " + std::to_string(finished.exit_code) + "\n" + finished.output;
  if (!finished.error.empty()) text += "\n" + finished.error;
  return {finished.error.empty() && finished.exit_code == 0, std::move(text)};
}

}  // namespace agent
