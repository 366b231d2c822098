// What a log line costs the thread that logs it. Run alone on a quiet machine:
//
//   meson setup build-release -Dbuildtype=release -Dbenchmarks=true
//   ninja -C build-release bench/log_bench && build-release/bench/log_bench

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "bench/result_check.h"
#include "engine/log_writer.h"

namespace sluice {
namespace {

class NowhereSink final : public LogSink {
 public:
  void write(std::string_view line) noexcept override {
    benchmark::DoNotOptimize(line.data());
    bytes = line.size();
    ++lines;
  }

  std::size_t bytes = 0;  // of the last line
  std::int64_t lines = 0;
};

// As the access line of a request has them.
void write_line(const Log& log) {
  LogLine(log, LogLevel::kInfo, "request")
      .field("request_id", "req_0123456789abcdef0123456789")
      .field("method", "POST")
      .field("path", "/v1/chat/completions")
      .field("status", 200)
      .field("account", "team-a")
      .field("client", "web-app")
      .field("model", "gpt-4o-mini")
      .field("attempts", 1)
      .field("total_us", 183'442)
      .field("bytes_in", 1'024)
      .field("bytes_out", 20'480);
}

void build_line(benchmark::State& state) {
  NowhereSink sink;
  SystemClock clock;
  const Log log(sink, clock, LogLevel::kInfo,
                state.range(0) != 0 ? LogFormat::kJson : LogFormat::kText);
  for (auto _ : state) write_line(log);
  const bool right = sink.lines == state.iterations() && sink.bytes > 200;
  if (holds(state, right, "lines are missing")) report_bytes(state, sink.bytes);
}
BENCHMARK(build_line)->ArgName("json")->Arg(0)->Arg(1);

void skip_line(benchmark::State& state) {
  NowhereSink sink;
  SystemClock clock;
  const Log log(sink, clock, LogLevel::kError, LogFormat::kText);
  for (auto _ : state) write_line(log);
  if (holds(state, sink.lines == 0, "a line that nobody wants")) report_items(state, 1);
}
BENCHMARK(skip_line);

// Into the ring, drained by the writer thread; lines that find no room are part of it.
void push_line(benchmark::State& state) {
  const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  {
    SystemClock clock;
    LogWriter writer(fd, LogFormat::kText, clock);
    LogSink& sink = writer.add_producer();
    const std::string line = std::string(240, 'x') + "\n";
    for (auto _ : state) sink.write(line);
    report_bytes(state, line.size());
    state.counters["dropped"] = static_cast<double>(writer.lines_dropped());
  }
  close(fd);
}
BENCHMARK(push_line);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
