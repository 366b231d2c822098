#include "engine/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <sstream>
#include <string>
#include <thread>

namespace sluice {
namespace {

// Pipe - what the writer writes to, and the end that the test reads.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(fds_, O_CLOEXEC), 0); }
  ~Pipe() {
    close_read();
    close_write();
  }
  [[nodiscard]] int write_fd() const { return fds_[1]; }
  void close_read() { close_one(fds_[0]); }
  void close_write() { close_one(fds_[1]); }

  // All bytes until the writing end is closed.
  std::string read_all() {
    std::string out;
    char buffer[65536];
    for (ssize_t got; (got = read(fds_[0], buffer, sizeof(buffer))) > 0;)
      out.append(buffer, static_cast<std::size_t>(got));
    return out;
  }
  std::string read_some() {
    char buffer[65536];
    const ssize_t got = read(fds_[0], buffer, sizeof(buffer));
    return {buffer, static_cast<std::size_t>(got > 0 ? got : 0)};
  }

 private:
  static void close_one(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int fds_[2] = {-1, -1};
};

// HurriedClock - a second passes each time one looks: what waits for a deadline ends soon.
class HurriedClock final : public Clock {
 public:
  Instant now() noexcept override { return now_ += 1s; }
  std::int64_t unix_ms() noexcept override { return 1'700'000'000'000; }

 private:
  Instant now_{1s};
};

TEST(LogRing, ALineThatWrapsComesOutInTwoPieces) {
  const auto ring = std::make_unique<LogRing>();
  const std::string filler(LogRing::kBytes - 3, 'x');
  ASSERT_TRUE(ring->push(filler));
  ring->release(filler.size());
  ASSERT_TRUE(ring->push("abcdef\n"));
  const LogRing::Filled filled = ring->filled();
  EXPECT_EQ(filled.pieces[0], "abc");
  EXPECT_EQ(filled.pieces[1], "def\n");
  EXPECT_EQ(ring->bytes_waiting(), 7u);
}

TEST(LogRing, ALineWithoutRoomIsDroppedAndCounted) {
  const auto ring = std::make_unique<LogRing>();
  const std::string half(LogRing::kBytes / 2, 'x');
  EXPECT_TRUE(ring->push(half));
  EXPECT_TRUE(ring->push(half));
  EXPECT_FALSE(ring->push("\n"));
  EXPECT_FALSE(ring->push("\n"));
  EXPECT_EQ(ring->dropped(), 2u);
  ring->release(1);
  EXPECT_TRUE(ring->push("\n"));
}

TEST(LogWriter, ALineArrivesThoughTheWriterSleeps) {
  Pipe pipe;
  SystemClock clock;
  LogWriter writer(pipe.write_fd(), LogFormat::kText, clock);
  LogSink& sink = writer.add_producer();
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(3 * LogWriter::kNap);  // longer than a nap: it is asleep
    sink.write("hello\n");
    EXPECT_EQ(pipe.read_some(), "hello\n");
  }
}

TEST(LogWriter, LinesOfAllProducersComeOutWholeAndInOrder) {
  constexpr int kProducers = 4;
  constexpr int kLines = 20'000;
  Pipe pipe;
  std::string out;
  std::thread reader([&] { out = pipe.read_all(); });
  std::uint64_t dropped = 0;
  {
    SystemClock clock;
    LogWriter writer(pipe.write_fd(), LogFormat::kText, clock);
    std::vector<std::thread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&writer, p] {
        LogSink& sink = writer.add_producer();
        for (int i = 0; i < kLines; ++i)
          sink.write(std::to_string(p) + " " + std::to_string(i) + std::string(i % 90, '.') + "\n");
      });
    }
    for (std::thread& producer : producers) producer.join();
    dropped = writer.lines_dropped();
  }
  pipe.close_write();
  reader.join();

  std::map<int, int> last;
  std::uint64_t lines = 0, reported = 0;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) {
    if (const auto at = line.find("log lines dropped count="); at != std::string::npos) {
      reported += std::stoull(line.substr(at + 24));
      continue;
    }
    int producer = -1, number = -1;
    ASSERT_EQ(std::sscanf(line.c_str(), "%d %d", &producer, &number), 2) << line;
    ASSERT_TRUE(line.ends_with(std::string(static_cast<std::size_t>(number % 90), '.')));
    const auto [before, is_first] = last.try_emplace(producer, -1);
    ASSERT_LT(before->second, number);
    before->second = number;
    ++lines;
  }
  EXPECT_EQ(lines + dropped, std::uint64_t{kProducers} * kLines);
  EXPECT_EQ(reported, dropped);
}

TEST(LogWriter, DroppedLinesAreReportedInALine) {
  Pipe pipe;
  SystemClock clock;
  LogWriter writer(pipe.write_fd(), LogFormat::kJson, clock);
  LogSink& sink = writer.add_producer();
  const std::string line = std::string(1023, 'x') + "\n";
  while (writer.lines_dropped() == 0) sink.write(line);  // nobody reads: pipe and ring fill up
  const std::string report =
      "\"level\":\"warning\",\"message\":\"log lines dropped\",\"count\":1}\n";
  std::string out;
  while (out.find(report) == std::string::npos) out += pipe.read_some();
  EXPECT_EQ(writer.lines_dropped(), 1u);
}

TEST(LogWriter, EndsInTimeWhenNobodyReads) {
  Pipe pipe;
  HurriedClock clock;
  LogWriter writer(pipe.write_fd(), LogFormat::kText, clock);
  LogSink& sink = writer.add_producer();
  for (int i = 0; i < 200; ++i) sink.write(std::string(2000, 'x') + "\n");
  // The destructor returns, although the pipe stays full.
}

TEST(LogWriter, AClosedPipeKillsNobodyAndItsLinesCount) {
  Pipe pipe;
  pipe.close_read();
  SystemClock clock;
  LogWriter writer(pipe.write_fd(), LogFormat::kText, clock);
  LogSink& sink = writer.add_producer();
  sink.write("one\ntwo\n");
  while (writer.lines_dropped() < 2) std::this_thread::yield();
  EXPECT_EQ(writer.lines_dropped(), 2u);
}

}  // namespace
}  // namespace sluice
