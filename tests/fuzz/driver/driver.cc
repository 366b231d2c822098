// A driver for the entry points in tests/fuzz where there is no libFuzzer, so that they run as
// ordinary tests under any compiler:
//
//   fuzz_chunked [--runs N] [--seed S] FILE_OR_FOLDER...
//
// First every corpus file as it is, then N inputs mutated from them (tests/fuzz/README.md). The
// same seed gives the same inputs on every machine. Inputs end at an unmapped page, and the one
// that is being run is written to ./crash-input when the process dies of a signal.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "tests/unit/guard_page.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

constexpr std::size_t kInputBytesMax = 1u << 16;

std::string_view g_input;  // what the signal handler saves

void save_input(int signal_number) {
  const int fd = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd >= 0) {
    [[maybe_unused]] const auto written = ::write(fd, g_input.data(), g_input.size());
    ::close(fd);
  }
  constexpr std::string_view kMessage = "fuzz: the input that did it is in ./crash-input\n";
  [[maybe_unused]] const auto said = ::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

struct Options {
  std::uint64_t runs = 0;
  std::uint64_t seed = 1;
  std::vector<std::string> corpus;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// In the order of their names, so that a seed means the same everywhere.
std::vector<std::string> read_corpus(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) files.emplace_back(path);
    else
      for (const auto& entry : std::filesystem::directory_iterator(path))
        if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const auto& file : files) inputs.push_back(read_file(file));
  return inputs;
}

// Mutator - makes an input out of those of the corpus. Knows what hurts text protocols.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, std::uint64_t seed)
      : corpus_(&corpus), random_(seed) {}

  std::string next() {
    std::string input = pick();
    for (std::uint64_t steps = random_.below(6) + 1; steps > 0; --steps) mutate(input);
    if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    return input;
  }

 private:
  const std::string& pick() { return (*corpus_)[random_.below(corpus_->size())]; }
  std::size_t place(const std::string& input) { return random_.below(input.size() + 1); }
  std::size_t span(const std::string& input, std::size_t from) {
    return std::min<std::size_t>(input.size() - from, random_.below(24) + 1);
  }

  void mutate(std::string& input) {
    static constexpr std::array<std::string_view, 24> kPieces = {
        "\r\n",   "\n",
        "\r",     "\r\n\r\n",
        " ",      "\t",
        ":",      ",",
        ";",      "\"",
        "\\",     "{",
        "}",      "[",
        "]",      "\\u00",
        "\xff",   "\xe2\x82\xac",
        "0",      "ffffffffffffffff",
        "-1",     "chunked",
        "data: ", std::string_view("\0", 1)};
    const std::size_t at = place(input);
    switch (random_.below(8)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random_.below(256));
        break;
      case 1:
        if (at < input.size())
          input[at] =
              static_cast<char>(static_cast<unsigned char>(input[at]) ^ (1u << random_.below(8)));
        break;
      case 2: input.insert(at, kPieces[random_.below(kPieces.size())]); break;
      case 3: input.erase(at, span(input, at)); break;
      case 4: input.insert(place(input), input.substr(at, span(input, at))); break;
      case 5: input.resize(at); break;
      case 6: {
        const std::string& other = pick();
        const std::size_t from = place(other);
        input.insert(at, other.substr(from, span(other, from)));
        break;
      }
      case 7: {
        const std::string& other = pick();
        input = input.substr(0, at) + other.substr(place(other));
        break;
      }
    }
  }

  const std::vector<std::string>* corpus_;
  sluice::Prng random_;
};

void run(sluice::GuardedBytes& memory, std::string_view input) {
  g_input = memory.place(input.substr(0, kInputBytesMax));
  LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(g_input.data()), g_input.size());
}

bool parse_options(int argc, char** argv, Options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool number = argument == "--runs" || argument == "--seed";
    if (!number) {
      out.corpus.emplace_back(argument);
      continue;
    }
    if (++i == argc) return false;
    (argument == "--runs" ? out.runs : out.seed) = std::strtoull(argv[i], nullptr, 10);
  }
  return !out.corpus.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse_options(argc, argv, options)) {
    std::fprintf(stderr, "usage: %s [--runs N] [--seed S] FILE_OR_FOLDER...\n", argv[0]);
    return 2;
  }
  for (const int signal_number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM})
    std::signal(signal_number, save_input);
  const std::vector<std::string> corpus = read_corpus(options.corpus);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: the corpus is empty\n", argv[0]);
    return 2;
  }
  sluice::GuardedBytes memory(kInputBytesMax);
  for (const std::string& input : corpus) run(memory, input);
  Mutator mutator(corpus, options.seed);
  for (std::uint64_t i = 0; i < options.runs; ++i) {
    ::alarm(10);  // an input that takes so long is a fault: the cost must be linear
    run(memory, mutator.next());
  }
  ::alarm(0);
  std::printf("%zu corpus files and %llu mutated inputs, seed %llu: no fault\n", corpus.size(),
              static_cast<unsigned long long>(options.runs),
              static_cast<unsigned long long>(options.seed));
  return 0;
}
