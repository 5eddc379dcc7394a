#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/folders.h"

namespace shenbi {
namespace {

constexpr size_t kPage = 4096, kPages = 64;

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override { write(); }
  void write() { std::ofstream(path, std::ios::binary) << std::string(kPages * kPage, 'x'); }

  TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "f";
};

// The last byte of each page, so that every page is touched. Not folded away: the bytes may change under the compiler.
size_t sum_of(const MappedFile& file) {
  size_t sum = 0;
  const volatile std::byte* bytes = file.bytes().data();
  for (size_t i = kPage - 1; i < file.bytes().size(); i += kPage) sum += std::to_integer<size_t>(bytes[i]);
  return sum;
}

TEST_F(MappedFileTest, what_is_cut_off_reads_as_zeros_and_the_map_says_so) {
  const auto file = MappedFile::open(path);
  EXPECT_EQ(sum_of(*file), kPages * 'x');
  EXPECT_TRUE(file->still_whole());
  std::filesystem::resize_file(path, 10 * kPage);
  EXPECT_FALSE(file->still_whole()) << "before anybody reads it";
  EXPECT_EQ(sum_of(*file), 10 * 'x');
  EXPECT_FALSE(file->still_whole());
  write();
  EXPECT_EQ(sum_of(*file), 10 * 'x') << "it stays what it was";
  EXPECT_FALSE(file->still_whole());
  EXPECT_EQ(sum_of(*MappedFile::open(path)), kPages * 'x') << "a map of its own is whole";
}

TEST_F(MappedFileTest, a_file_cut_within_its_page_or_written_over_is_noticed_without_any_signal) {
  const auto file = MappedFile::open(path);
  std::filesystem::resize_file(path, kPages * kPage - 1);
  EXPECT_FALSE(file->still_whole());
  write();
  const auto whole = MappedFile::open(path);
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_FALSE(whole->still_whole());
  EXPECT_EQ(sum_of(*whole), kPages * 'x');
}

TEST_F(MappedFileTest, maps_are_lost_one_by_one) {
  const auto other_path = folder.path() / "other";
  std::filesystem::copy_file(path, other_path);
  const auto file = MappedFile::open(path), other = MappedFile::open(other_path);
  std::filesystem::resize_file(path, kPage);
  EXPECT_EQ(sum_of(*file), 'x');
  EXPECT_FALSE(file->still_whole());
  EXPECT_TRUE(other->still_whole());
  EXPECT_EQ(sum_of(*other), kPages * 'x');
}

TEST_F(MappedFileTest, many_threads_may_meet_the_end_at_once) {
  for (int round = 0; round < 20; ++round) {
    write();
    const auto file = MappedFile::open(path);
    std::filesystem::resize_file(path, kPage);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) threads.emplace_back([&] { EXPECT_EQ(sum_of(*file), 'x'); });
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(file->still_whole());
  }
}

TEST_F(MappedFileTest, a_bus_error_elsewhere_still_ends_the_program) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGBUS, SIG_DFL);  // what a sanitizer does with it is not the question
    const auto file = MappedFile::open(path);
    ::raise(SIGBUS);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
}

}  // namespace
}  // namespace shenbi
