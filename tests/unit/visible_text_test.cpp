// Text of strangers in a terminal or a log, and the messages of the library, which may quote it.
#include "model/visible_text.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "pipeline/log_message.hpp"

namespace trunkline {
namespace {

TEST(VisibleText, ShowsWhatCouldDriveATerminal) {
  EXPECT_EQ(visible_text("a\x1b[2J\x07\r\n\t\x7f"), R"(a\x1b[2J\x07\r\n\t\x7f)");
  EXPECT_EQ(visible_text("\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81"), R"(\u{9b}\u{202e}\u{e0001})");
}

TEST(VisibleText, LeavesTheRest) {
  EXPECT_EQ(visible_text("%n %s \\x1b ü 日本 👩‍💻"), "%n %s \\x1b ü 日本 👩‍💻");
  EXPECT_EQ(visible_text("a\xff"), "a\xef\xbf\xbd");
}

TEST(VisibleText, OfAServerIsShortAndOneLine) {
  EXPECT_EQ(words_of_server("no such run\nor experiment\x01"), "no such run or experiment ");
  EXPECT_EQ(words_of_server(std::string(299, 'a') + "\xc3\xbc"), std::string(299, 'a'));
  EXPECT_EQ(words_of_server(std::string(298, 'a') + "\xc3\xbcx"), std::string(298, 'a') + "\xc3\xbc");
}

TEST(MessageLog, IsOneLineWithoutEscapes) {
  std::vector<std::string> lines;
  const tr_log_callback keep = [](void* self, tr_level, const char* message, size_t size) {
    static_cast<std::vector<std::string>*>(self)->emplace_back(message, size);
  };
  pipeline::MessageLog log(TR_LEVEL_WARN, keep, &lines);
  log.write(TR_LEVEL_WARN, "bad name \x1b]0;owned\x07 \xc2\x9b%n%s\ntrunkline error: forged");
  log.write(TR_LEVEL_INFO, "not wanted");
  EXPECT_EQ(lines, std::vector<std::string>{R"(bad name \x1b]0;owned\x07 \u{9b}%n%s\ntrunkline error: forged)"});
}

}  // namespace
}  // namespace trunkline
