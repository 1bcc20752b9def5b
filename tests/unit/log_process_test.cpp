// Who counts as gone, on which the adoption of runs depends.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <thread>

#include "log_support.hpp"
#include "os/process.hpp"

namespace trunkline {
namespace {

using namespace log_test;

TEST(ProcessIdentity, WhoIsGoneAndWhoMayNotBe) {
  const ProcessIdentity self = this_process();
  EXPECT_FALSE(self.boot_id.empty());
  EXPECT_NE(self.pid_namespace, 0u);
  EXPECT_NE(self.start_time, 0u);
  EXPECT_TRUE(process_alive(self));
  ProcessIdentity other = self;
  other.start_time += 1;  // the pid was given away
  EXPECT_FALSE(process_alive(other));
  other = self;
  other.boot_id = "another boot";
  EXPECT_FALSE(process_alive(other));
  other = self;
  other.pid_namespace += 1;  // cannot be known
  other.pid = 0x3fffffff;
  EXPECT_TRUE(process_alive(other));
  other.pid_namespace = self.pid_namespace;
  EXPECT_FALSE(process_alive(other));
  EXPECT_TRUE(process_alive(ProcessIdentity{}));
}

TEST(ProcessIdentity, AZombieIsGoneButNotOneWhoseThreadsRunOn) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const auto start = [&](bool thread) {
    const pid_t pid = in_child([&] {
      const ProcessIdentity self = this_process();
      if (::write(pipe_fds[1], &self.start_time, sizeof self.start_time) < 0) return 1;
      if (!thread) return 0;
      std::thread([] { ::pause(); }).detach();
      return static_cast<int>(::syscall(SYS_exit, 0));  // this thread alone
    });
    ProcessIdentity identity = this_process();
    identity.pid = pid;
    EXPECT_EQ(::read(pipe_fds[0], &identity.start_time, sizeof identity.start_time), 8);
    return identity;
  };
  Children children;
  const ProcessIdentity zombie = start(false);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(zombie.pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(process_alive(zombie));
  ::waitpid(static_cast<pid_t>(zombie.pid), nullptr, 0);

  const ProcessIdentity headless = start(true);
  children.add(static_cast<pid_t>(headless.pid));
  const auto is_zombie = [&] {
    return read_file("/proc/" + std::to_string(headless.pid) + "/stat").find(") Z ") != std::string::npos;
  };
  for (int i = 0; i < 6000 && !is_zombie(); ++i) ::usleep(10'000);
  EXPECT_TRUE(is_zombie());
  EXPECT_TRUE(process_alive(headless));
  ::kill(static_cast<pid_t>(headless.pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(headless.pid), nullptr, 0);
  EXPECT_FALSE(process_alive(headless));
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

}  // namespace
}  // namespace trunkline
