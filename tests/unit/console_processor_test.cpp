#include "processors/console/console_processor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include <chrono>

#include "processors/console/console_text.hpp"
#include "processors/console/console_tree.hpp"
#include "store_support.hpp"

namespace trunkline {
namespace {

using namespace store_test;
using namespace processors;

// Standard error goes to a file of memory while the object lives.
class Captured {
 public:
  Captured() : saved_(::dup(STDERR_FILENO)), file_(::memfd_create("stderr", MFD_CLOEXEC)) {
    ::dup2(file_.get(), STDERR_FILENO);
  }
  ~Captured() { ::dup2(saved_.get(), STDERR_FILENO); }
  std::string text() const { return read_file("/proc/self/fd/" + std::to_string(file_.get())); }

 private:
  UniqueFd saved_;
  UniqueFd file_;
};

std::string shown(const Records& records, std::string_view options = R"({"color":"never"})") {
  const Captured captured;
  const Driven console(make_console_processor, options, "");
  EXPECT_EQ(console.deliver(records.pointers()), TR_OK);
  EXPECT_EQ(console.table().force_flush(console.table().user_data, 1'000), TR_OK);
  return captured.text();
}

size_t occurrences(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string visible(std::string_view text, size_t most = 100) {
  std::string out;
  append_visible(&out, text, most);
  return out;
}

std::string duration(int64_t nanoseconds) {
  std::string out;
  append_duration(&out, nanoseconds);
  return out;
}

TEST(ConsoleProcessor, FillsTheTableAndRefusesBadOptions) {
  const Driven console(make_console_processor, R"({"stream":"stdout"})", "");
  EXPECT_STREQ(console.table().name, "console");
  EXPECT_STREQ(console.table().destination, "stdout");
  EXPECT_EQ(console.table().flags, TR_PROCESSOR_SHARED);  // not durable
  EXPECT_EQ(Driven(make_console_processor, R"({"color":"red"})", "").error().code, TR_EINVAL);
  EXPECT_EQ(Driven(make_console_processor, R"({"stream":"x"})", "").error().code, TR_EINVAL);
  EXPECT_EQ(Driven(make_console_processor, R"({"path":"x"})", "").error().code, TR_EINVAL);
}

TEST(ConsoleProcessor, DrawsATreeWhenTheTraceEnds) {
  Records records;
  records.trace_start(0xab, "agent");
  tr_record& child = records.add(TR_RECORD_SPAN_END, 0xab, 2, 1);
  child.kind = TR_KIND_GENERATION;
  child.name = str("ask");
  child.model = str("gpt");
  child.usage = {1'234, 56, 1'290, -1, -1, -1};
  tr_record& failed = records.add(TR_RECORD_SPAN_END, 0xab, 3, 1);
  failed.kind = TR_KIND_TOOL;
  failed.name = str("search");
  failed.flags = TR_RECORD_FAILED;
  failed.error_type = str("Timeout");
  failed.error_message = str("no answer");
  tr_record& parent = records.add(TR_RECORD_SPAN_END, 0xab, 1);
  parent.kind = TR_KIND_STEP;
  parent.name = str("plan");
  parent.start_ns = 1'000'000;
  parent.end_ns = 13'500'000;
  tr_record& end = records.trace_end(0xab, "agent");
  end.start_ns = 0;
  end.end_ns = 1'250'000'000;
  EXPECT_EQ(shown(records),
            "[abababababababababababababababab] agent  1.25 s  ok  3 spans  1,234 -> 56 tokens\n"
            "└─ step plan  12.5 ms\n"
            "   ├─ generation ask  gpt  500 ns  1,234 -> 56 tokens\n"
            "   └─ tool search  500 ns  ERROR Timeout: no answer\n");
}

TEST(ConsoleProcessor, NothingBeforeTheEnd) {
  Records records;
  records.trace_start(1);
  records.span(1, 1);
  EXPECT_EQ(shown(records), "");
}

TEST(ConsoleProcessor, HostileNamesCannotReachTheTerminal) {
  const std::string evil =
      "a\x1b[2J\x07\r\n\x7f\xc2\x9b"
      "31m\xe2\x80\xae"
      "b\xff%n%s";
  const std::string long_name(100'000, 'x');
  Records records;
  tr_record& start = records.trace_start(1, evil);
  records.attributes(start, {{str(evil), text(evil)}});
  tr_record& span = records.span(1, 1, evil, TR_RECORD_FAILED);
  span.model = str("m\x1b]0;x");
  span.error_type = str(evil);
  span.error_message = str(long_name);
  tr_record& event = records.add(TR_RECORD_EVENT, 1);
  event.name = str(evil);
  records.attributes(event, {{str(evil), text(evil)}});
  records.attributes(records.add(TR_RECORD_RUN_LOG, 1, 9), {{str(evil), text(TR_TYPE_JSON, "[\"\x1b\"]")}});
  records.trace_end(1, evil);
  const std::string out = shown(records);
  for (const char c : out) {
    const auto byte = static_cast<unsigned char>(c);
    ASSERT_TRUE(byte >= 0x20 || byte == '\n');
    ASSERT_NE(byte, 0x7f);
  }
  EXPECT_EQ(out.find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(out.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_NE(out.find(R"(a\x1b[2J\x07\r\n\x7f\u{9b}31m\u{202e}b)"), std::string::npos);
  EXPECT_EQ(occurrences(out, "\n"), 4u);
  EXPECT_LT(out.size(), 5'000u);
}

TEST(ConsoleProcessor, Colours) {
  Records records;
  records.trace_start(1);
  records.span(1, 1);
  records.trace_end(1);
  EXPECT_NE(shown(records, R"({"color":"always"})").find("\x1b["), std::string::npos);
  EXPECT_EQ(shown(records, R"({"color":"auto"})").find('\x1b'), std::string::npos);  // a file is no terminal
}

TEST(ConsoleProcessor, BoundedSpansOfATrace) {
  Records records;
  records.trace_start(1);
  for (uint64_t i = 1; i <= 10'050; ++i) records.span(1, i, "s");
  records.trace_end(1);
  const std::string out = shown(records);
  EXPECT_NE(out.find("10,050 spans"), std::string::npos);
  EXPECT_NE(out.find("(50 shown above, one by one)"), std::string::npos);
  EXPECT_EQ(occurrences(out, "─ tool s"), 10'000u);
  EXPECT_EQ(occurrences(out, "] tool s"), 50u);
}

TEST(ConsoleProcessor, BoundedOpenTraces) {
  Records records;
  for (uint8_t i = 1; i <= 70; ++i) records.trace_start(i);
  for (uint8_t i = 1; i <= 70; ++i) records.span(i, 1, "s");
  EXPECT_EQ(occurrences(shown(records), "] tool s"), 6u);
}

TEST(ConsoleProcessor, UnfinishedTracesAreShownAtShutdown) {
  Records records;
  records.trace_start(1);
  records.span(1, 1, "s");
  const Captured captured;
  const Driven console(make_console_processor, R"({"color":"never"})", "");
  ASSERT_EQ(console.deliver(records.pointers()), TR_OK);
  EXPECT_EQ(captured.text(), "");
  ASSERT_EQ(console.table().shutdown(console.table().user_data, 1'000), TR_OK);
  EXPECT_NE(captured.text().find("not ended  1 span\n└─ tool s"), std::string::npos);
}

// Standard error is a pipe.
class Piped {
 public:
  Piped() : saved_(::dup(STDERR_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~Piped() { ::dup2(saved_.get(), STDERR_FILENO); }
  void close_reader() { reader_.reset(); }
  size_t drain() const {
    ::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    std::vector<char> buffer(1 << 16);
    size_t total = 0;
    for (ssize_t got = 0; (got = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;) {
      total += static_cast<size_t>(got);
    }
    return total;
  }

 private:
  UniqueFd saved_;
  UniqueFd reader_;
};

TEST(ConsoleProcessor, AFullPipeHoldsNobodyUp) {
  Records records;
  const std::string name(100, 'n');
  for (uint64_t i = 1; i <= 1'000; ++i) records.span(1, i, name);  // of no trace: printed one by one
  Piped pipe;
  const Driven console(make_console_processor, R"({"color":"never"})", "");
  const auto start = std::chrono::steady_clock::now();
  int result = TR_OK;
  size_t taken = 0;
  for (; taken < 100 && result == TR_OK; ++taken) result = console.deliver(records.pointers());
  EXPECT_EQ(result, TR_EAGAIN);  // it takes no more, and the memory it holds is bounded
  EXPECT_LT(taken, 20u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  size_t read = pipe.drain();
  for (int i = 0; i < 1'000 && console.table().force_flush(console.table().user_data, 1) != TR_OK; ++i)
    read += pipe.drain();
  read += pipe.drain();
  EXPECT_EQ(console.deliver(records.pointers(0, 1)), TR_OK);
  EXPECT_GT(read, (taken - 1) * 100'000);  // nothing was lost
}

TEST(ConsoleProcessor, AClosedPipeKillsNobody) {
  Records records;
  records.span(1, 1);
  ::signal(SIGPIPE, SIG_DFL);
  Piped pipe;
  pipe.close_reader();
  const Driven console(make_console_processor, "", "");
  EXPECT_EQ(console.deliver(records.pointers()), TR_OK);
  EXPECT_EQ(console.deliver(records.pointers()), TR_OK);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(ConsoleText, VisibleText) {
  EXPECT_EQ(visible("grün 日本 😀"), "grün 日本 😀");
  EXPECT_EQ(visible("abcdef", 3), "abc…");
  EXPECT_EQ(visible("日本語", 2), "日本…");
  EXPECT_EQ(visible("abc", 3), "abc");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
}

TEST(ConsoleText, Durations) {
  EXPECT_EQ(duration(0), "0 ns");
  EXPECT_EQ(duration(1'500), "1.50 us");
  EXPECT_EQ(duration(999'000'000), "999 ms");
  EXPECT_EQ(duration(59'900'000'000), "59.9 s");
  EXPECT_EQ(duration(125'000'000'000), "2 m 05 s");
  std::string count;
  append_count(&count, INT64_MIN);
  EXPECT_EQ(count, "-9,223,372,036,854,775,808");
}

TEST(ConsoleTree, HostileParents) {
  std::string out;
  append_tree(&out, {{1, 2, 10, "a"}, {2, 1, 20, "b"}, {3, 3, 30, "self"}, {4, 99, 40, "orphan"}, {3, 0, 50, "twin"}});
  for (const char* name : {"a", "b", "self", "orphan", "twin"})
    EXPECT_EQ(occurrences(out, std::string(name) + "\n"), 1u);
}

TEST(ConsoleTree, DeepNesting) {
  std::vector<TreeLine> lines;
  for (uint64_t i = 1; i <= 10'000; ++i) lines.push_back({i, i - 1, static_cast<int64_t>(i), "x"});
  std::string out;
  append_tree(&out, std::move(lines));
  EXPECT_EQ(occurrences(out, "\n"), 10'000u);
  EXPECT_NE(out.find("(9999 deep) x"), std::string::npos);
  EXPECT_LT(out.size(), 2'000'000u);
}

}  // namespace
}  // namespace trunkline
