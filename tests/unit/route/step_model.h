#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sluice::test {

// What one atomic operation gave its thread: the value that it saw, and whether a CAS succeeded.
struct Observed {
  std::uint64_t value = 0;
  std::uint64_t ok = 0;
};

// Suspended - thrown out of a model thread that has used up its step.
struct Suspended {};

// World - the memory that model threads share, and the step that one of them may take.
//
// A thread of the model is a plain function that is run again from its beginning for every step:
// what its earlier operations saw is replayed to it, the next one is done for real, and the one
// after that throws. So any code runs in steps, under any sanitizer, without a stack of its own.
class World {
 public:
  static World& instance() {
    static World world;
    return world;
  }

  std::size_t add(std::uint64_t value) {
    memory.push_back(value);
    written.push_back(false);
    return memory.size() - 1;
  }

  void clear() {
    memory.clear();
    written.clear();
  }

  // Does `operation` on the word: at once outside the model, else when the thread's step is due.
  // Reading a word that no thread writes is no step: its order with other steps makes no
  // difference.
  template <class Operation>
  Observed step(std::size_t at, bool writes, Operation operation) {
    if (log == nullptr) return operation(memory[at]);
    if (!writes && !written[at]) return operation(memory[at]);
    if (replayed < log->size()) return (*log)[replayed++];
    if (!may_step) throw Suspended{};
    if (!written[at]) {
      written[at] = true;
      learned = true;
    }
    may_step = false;
    log->push_back(operation(memory[at]));
    ++replayed;
    return log->back();
  }

  std::vector<std::uint64_t> memory;
  std::vector<bool> written;             // by a thread, in any order explored so far
  bool learned = false;                  // `written` has grown: what was explored may lack orders
  std::vector<Observed>* log = nullptr;  // of the thread that runs; null outside the model
  std::size_t replayed = 0;
  bool may_step = false;
};

// StepAtomics - an atomic policy whose words lie in the World. Sequentially consistent, and without
// spurious failures.
struct StepAtomics {
  template <class T>
  class Atomic {
   public:
    Atomic(T value = T{}) : at_(World::instance().add(word(value))) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T load(std::memory_order) const {
      return value(World::instance().step(at_, false, [](std::uint64_t& w) {
        return Observed{w, 1};
      }));
    }
    void store(T desired, std::memory_order) {
      write([&](T) { return desired; });
    }
    T exchange(T desired, std::memory_order) {
      return write([&](T) { return desired; });
    }
    T fetch_add(T by, std::memory_order) {
      return write([&](T before) { return static_cast<T>(before + by); });
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order) {
      const Observed seen = World::instance().step(at_, true, [&](std::uint64_t& w) {
        const Observed before{w, w == word(expected)};
        if (before.ok != 0) w = word(desired);
        return before;
      });
      expected = value(seen);
      return seen.ok != 0;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order a, std::memory_order b) {
      return compare_exchange_strong(expected, desired, a, b);
    }

   private:
    template <class Change>
    T write(Change change) {
      return value(World::instance().step(at_, true, [&](std::uint64_t& w) {
        return Observed{std::exchange(w, word(change(value({w, 1})))), 1};
      }));
    }
    static std::uint64_t word(T value) {
      if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<std::uint64_t>(value);
      } else {
        return static_cast<std::uint64_t>(value);
      }
    }
    static T value(const Observed& seen) {
      if constexpr (std::is_pointer_v<T>) {
        return reinterpret_cast<T>(seen.value);
      } else {
        return static_cast<T>(seen.value);
      }
    }

    const std::size_t at_;
  };
};

// ModelThread - what one thread does. It may use atomics of the World and what it owns, and tells
// what came of it through `results`, which begins empty.
using Results = std::vector<std::int64_t>;
using ModelThread = std::function<void(Results& results)>;

struct Explored {
  std::size_t states = 0;
  std::size_t endings = 0;
};

// Explorer - runs model threads in every order of their atomic operations, beginning with the World
// as it is. States that were seen before are not entered again: equal memory and equal histories
// have equal futures.
class Explorer {
 public:
  using AtEnd = std::function<void(const std::vector<Results>&)>;

  explicit Explorer(std::vector<ModelThread> threads) : threads_(std::move(threads)) {}

  // Calls at_end(results per thread) for each distinct ending, with the World's memory as the
  // threads left it. Throws when a thread takes more than 200 steps, which no lock-free algorithm
  // does here.
  Explored explore(const AtEnd& at_end) {
    const std::vector<std::uint64_t> beginning = world_.memory;
    Explored explored;
    do {
      world_.learned = false;
      explored = run(beginning, at_end);
    } while (world_.learned);
    world_.memory = beginning;
    return explored;
  }

 private:
  struct Thread {
    std::vector<Observed> log;
    Results results;
    bool finished = false;
  };
  struct State {
    std::vector<std::uint64_t> memory;
    std::vector<Thread> threads;
  };

  // Stops early when it learns of another word that is written.
  Explored run(const std::vector<std::uint64_t>& beginning, const AtEnd& at_end) {
    Explored explored;
    std::unordered_set<std::size_t> seen;
    std::vector<State> open;
    open.push_back({beginning, std::vector<Thread>(threads_.size())});
    while (!open.empty()) {
      const State state = std::move(open.back());
      open.pop_back();
      ++explored.states;
      bool ended = true;
      for (std::size_t i = 0; i < threads_.size(); ++i) {
        if (state.threads[i].finished) continue;
        ended = false;
        State next = state;
        step(next, i);
        if (seen.insert(hash_of(next)).second) open.push_back(std::move(next));
        if (world_.learned) return explored;
      }
      if (!ended) continue;
      ++explored.endings;
      world_.memory = state.memory;
      std::vector<Results> results;
      for (const Thread& thread : state.threads) results.push_back(thread.results);
      at_end(results);
    }
    return explored;
  }

  void step(State& state, std::size_t i) {
    Thread& thread = state.threads[i];
    thread.results.clear();
    world_.memory.swap(state.memory);
    world_.log = &thread.log;
    world_.replayed = 0;
    world_.may_step = true;
    try {
      threads_[i](thread.results);
      thread.finished = true;
    } catch (const Suspended&) {
    }
    world_.log = nullptr;
    world_.memory.swap(state.memory);
    if (thread.log.size() > 200) throw std::runtime_error("a thread makes no progress");
  }

  static std::size_t hash_of(const State& state) {
    std::string key(reinterpret_cast<const char*>(state.memory.data()), state.memory.size() * 8);
    for (const Thread& thread : state.threads) {
      key.push_back(thread.finished ? 'f' : 'r');
      key.append(reinterpret_cast<const char*>(thread.log.data()), thread.log.size() * 16);
    }
    return std::hash<std::string>{}(key);
  }

  World& world_ = World::instance();
  const std::vector<ModelThread> threads_;
};

}  // namespace sluice::test
