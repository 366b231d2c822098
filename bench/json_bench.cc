// What it costs to read the body of a request, beside what simdjson alone needs for the same bytes:
// its index and a look at the members that matter (on-demand, which checks neither strings nor
// numbers that nobody asks for), or all of it as a tree (DOM, which checks everything, as the probe
// does).

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "base/block_pool.h"
#include "bench/chat_bodies.h"
#include "bench/result_check.h"
#include "parser/json_probe.h"

namespace sluice {
namespace {

constexpr std::string_view kModel = "gpt-oss-120b";

// What a reader has found of a body.
struct Members {
  std::string_view model;
  bool stream = false;
  std::int64_t max_tokens = -1;

  [[nodiscard]] bool right() const noexcept {
    return model == kModel && stream && max_tokens == 256;
  }
};

// ProbeReader - the gateway's own.
class ProbeReader {
 public:
  explicit ProbeReader(const std::string& body) : body_(body), arena_(pool_) {}
  bool read(Members& out) {
    RequestProbe probe;
    ProbeFault fault;
    if (!prober_.probe(body_, arena_, probe, fault)) return false;
    out = {.model = probe.model, .stream = probe.stream, .max_tokens = probe.max_tokens};
    return true;
  }

 private:
  const std::string& body_;
  BlockPool pool_;
  Arena arena_;
  JsonProber prober_;
};

// OnDemandReader - simdjson over the members of the object, each once.
class OnDemandReader {
 public:
  explicit OnDemandReader(const std::string& body) : body_(body) {}
  bool read(Members& out) {
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser_.iterate(body_).get(document) != simdjson::SUCCESS) return false;
    if (document.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto member : object) {
      std::string_view name;
      if (member.unescaped_key().get(name) != simdjson::SUCCESS) return false;
      if (!read_member(name, member.value(), out)) return false;
    }
    return true;
  }

 private:
  template <class Value>
  static bool read_member(std::string_view name, Value value, Members& out) {
    if (name == "model") return value.get_string().get(out.model) == simdjson::SUCCESS;
    if (name == "stream") return value.get_bool().get(out.stream) == simdjson::SUCCESS;
    if (name == "max_tokens") return value.get_int64().get(out.max_tokens) == simdjson::SUCCESS;
    return true;
  }

  const simdjson::padded_string body_;  // simdjson reads beyond the end
  simdjson::ondemand::parser parser_;
};

// DomReader - simdjson's tree, and the members in it.
class DomReader {
 public:
  explicit DomReader(const std::string& body) : body_(body) {}
  bool read(Members& out) {
    simdjson::dom::element root;
    return parser_.parse(body_).get(root) == simdjson::SUCCESS &&
           root["model"].get(out.model) == simdjson::SUCCESS &&
           root["stream"].get(out.stream) == simdjson::SUCCESS &&
           root["max_tokens"].get(out.max_tokens) == simdjson::SUCCESS;
  }

 private:
  const simdjson::padded_string body_;
  simdjson::dom::parser parser_;
};

template <class Reader>
void read_request(benchmark::State& state) {
  const std::string body = chat_request(static_cast<std::size_t>(state.range(0)));
  Reader reader(body);
  Members members;
  if (!holds(state, reader.read(members) && members.right(), "the members are others")) return;
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.read(members));
    benchmark::DoNotOptimize(members);
  }
  report_bytes(state, body.size());
}
BENCHMARK(read_request<ProbeReader>)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(read_request<OnDemandReader>)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(read_request<DomReader>)->Arg(1 << 10)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);

// So long a stretch that reading the clock does not count.
constexpr std::size_t kStretchBytes = 256 * 1024;

// Seconds that one reading takes, of the least disturbed stretch.
template <class Reader>
void shorten(double& least, Reader& reader, std::size_t times) {
  Members members;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < times; ++i) {
    benchmark::DoNotOptimize(reader.read(members));
    benchmark::DoNotOptimize(members);
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  least = std::min(least, spent.count() / static_cast<double>(times));
}

// All three in turns within one run, and how many times the bytes of simdjson alone the probe reads
// in the same time. Its own time is that of all three.
void probe_beside_simdjson(benchmark::State& state) {
  const std::string body = chat_request(static_cast<std::size_t>(state.range(0)));
  const std::size_t times = std::max<std::size_t>(kStretchBytes / body.size(), 1);
  ProbeReader probe(body);
  OnDemandReader on_demand(body);
  DomReader dom(body);
  double probe_s = 1;
  double on_demand_s = 1;
  double dom_s = 1;
  for (auto _ : state) {
    shorten(probe_s, probe, times);
    shorten(on_demand_s, on_demand, times);
    shorten(dom_s, dom, times);
  }
  state.counters["GB/s"] = static_cast<double>(body.size()) / probe_s / 1e9;
  state.counters["x_ondemand"] = on_demand_s / probe_s;
  state.counters["x_dom"] = dom_s / probe_s;
}
BENCHMARK(probe_beside_simdjson)
    ->Arg(1 << 10)
    ->Arg(4 << 10)
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
