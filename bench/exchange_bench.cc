// The user code of a whole exchange: a shard with accounting, client keys and limits on, between
// clients and a provider that cost nothing (bench/canned_kernel.h). 1 KiB asked, 2 KiB answered.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "bench/canned_kernel.h"
#include "bench/chat_bodies.h"
#include "bench/result_check.h"
#include "engine/build_snapshot.h"
#include "engine/config/load.h"
#include "engine/gateway_shard.h"
#include "engine/net/address.h"
#include "parser/listen_address.h"
#include "store/journal/shard_journal.h"

namespace sluice {
namespace {

constexpr std::size_t kAccounts = 4;
constexpr std::uint64_t kWarmUp = 5'000;      // answers
constexpr std::uint64_t kAnswers = 50'000;    // timed
constexpr std::uint64_t kBetweenLooks = 500;  // answers, until the store looks, off the clock

struct NoVariables final : Environment {
  std::optional<std::string_view> find(std::string_view) const override { return {}; }
  std::vector<std::string> names(std::string_view) const override { return {}; }
};

struct Nowhere final : LogSink {
  void write(std::string_view) noexcept override { ++lines; }
  std::uint64_t lines = 0;
};

// Counts the records, as the store's thread would take them.
struct Booked final : UsageSink {
  void take(const UsageEvent& event) override {
    right &= event.status == 0 || event.status == 200;
    ++taken;
  }
  void lost(const JournalLoss&) override { right = false; }
  std::uint64_t taken = 0;
  bool right = true;
};

std::string config_text() {
  std::string text =
      "auth: {open: false}\nclients:\n"
      "- {name: c, key: sk-test-client-0123456789, rpm_limit: 1000000,"
      " tpm_limit: 1000000000, concurrent_limit: 1000000}\naccounts:\n";
  for (std::size_t i = 0; i < kAccounts; ++i) {
    const std::string number = std::to_string(i);
    text += "- {name: team-" + number + ", base_url: 'http://127.0.0.1:9/v1', api_key: sk-test-" +
            number + ", rpm_limit: 1000000, window: 1s, tpm_limit: 1000000000," +
            " concurrent_limit: 1000000, cost: {input: 2.5, output: 10}}\n";
  }
  return text;
}

std::string request_text() {
  std::string body = chat_request(1024);
  body.erase(1, std::string_view(R"("stream":true,)").size());
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:9190\r\n"
         "Content-Type: application/json\r\nAuthorization: Bearer sk-test-client-0123456789\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string answer_text(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// World - one shard with its journal, for one run.
class World {
 public:
  World(std::size_t clients, bool metered)
      : kernel_({.clients = clients,
                 .request = request_text(),
                 .answer = answer_text(body_),
                 .answer_end = body_,
                 .answers = kWarmUp + kAnswers,
                 .ended = [this] { gateway_->shard().post(gateway_->shard(), drain_); },
                 .between = [this](std::uint64_t answers) { look(answers); }}) {
    folder_ = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) std::abort();
    journal_ =
        std::make_unique<ShardJournal>(files_, ShardJournalOptions{.folder = folder_ + "/shard"});
    if (!journal_->open(0) || !journal_->begin_writing(clock_.now())) std::abort();
    gateway_ = std::make_unique<GatewayShard>(
        Shard::Options{.seed = 1}, kernel_, clock_,
        Log(nowhere_, clock_, LogLevel::kWarning, LogFormat::kText), UpstreamPools::Limits{});
    dispatcher_ = std::make_unique<Dispatcher>(gateway_->shard(), 1);
    const auto hosts = std::make_shared<const HostsFile>(HostsFile::parse(""));
    if (!gateway_->prepare(snapshot(), hosts, *dispatcher_).empty()) std::abort();
    if (metered) gateway_->record_to(journal_->writer());
  }
  ~World() {
    dispatcher_.reset();
    gateway_.reset();
    journal_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Seconds of the timed answers.
  double run() {
    const auto address = parse_listen_address("127.0.0.1:9190");
    if (!gateway_->listen(socket_address(address->ips()[0], address->port))) std::abort();
    gateway_->run();
    return std::chrono::duration<double>(ended_ - began_ - off_).count();
  }
  bool right(bool metered) {
    apply();
    const std::uint64_t records = metered ? 2 * kernel_.answers() : 0;
    return kernel_.wrong() == 0 && kernel_.answers() == kWarmUp + kAnswers && booked_.right &&
           booked_.taken == records && nowhere_.lines == 0;
  }

 private:
  struct Drain final : Letter {
    explicit Drain(World& world) : Letter(&Drain::read), world(&world) {}
    static void read(Shard&, Letter& letter) {
      static_cast<Drain&>(letter).world->gateway_->begin_drain({});
    }
    World* world;
  };

  std::shared_ptr<const Snapshot> snapshot() {
    const std::string file = folder_ + "/sluice.yaml";
    std::ofstream(file) << config_text();
    std::filesystem::permissions(file, std::filesystem::perms(0600));
    ConfigSources sources;
    sources.file = file;
    const auto config = load_config(sources, NoVariables());
    if (!config) {
      std::fprintf(stderr, "%s", config.error().text().c_str());
      std::abort();
    }
    return build_snapshot(*config, nullptr, nullptr).value();
  }

  void look(std::uint64_t answers) {
    if (answers < next_look_ || ended_ != Instant{}) return;
    const Instant began = clock_.now();
    next_look_ = std::min(answers + kBetweenLooks, kWarmUp + kAnswers);
    apply();
    const Instant now = clock_.now();
    if (answers < kWarmUp) return;
    if (began_ == Instant{}) began_ = now;
    else if (answers < kWarmUp + kAnswers) off_ += now - began;
    else ended_ = began;
  }
  void apply() {
    while (journal_->read(1'000'000, booked_) > 0) {
    }
    journal_->applied(journal_->writer().next_sequence() - 1);
    journal_->keep(clock_.now());
  }

  const std::string body_ = chat_answer(2048);
  SystemClock clock_;
  Nowhere nowhere_;
  Booked booked_;
  SegmentFiles files_;
  std::string folder_;
  CannedKernel kernel_;
  std::unique_ptr<ShardJournal> journal_;
  std::unique_ptr<GatewayShard> gateway_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Drain drain_{*this};
  std::uint64_t next_look_ = 0;
  Instant began_{};
  Instant ended_{};
  Duration off_{};
};

// A round is a run; its time that of one exchange.
void run(benchmark::State& state, bool metered) {
  bool right = true;
  for (auto _ : state) {
    World world(static_cast<std::size_t>(state.range(0)), metered);
    state.SetIterationTime(world.run() / kAnswers);
    right &= world.right(metered);
  }
  if (holds(state, right, "an answer is wrong, or a record is missing")) report_items(state, 1);
}

void exchange(benchmark::State& state) { run(state, true); }
BENCHMARK(exchange)->Arg(1)->Arg(64)->Arg(1000)->UseManualTime()->Iterations(5);

// Without the usage journal: what it costs is the difference.
void exchange_unmetered(benchmark::State& state) { run(state, false); }
BENCHMARK(exchange_unmetered)->Arg(64)->UseManualTime()->Iterations(5);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
