import Retry
import TestSupport
import Testing

@testable import Analyzer

@Suite struct RuleSearchTests {
    private func search(replicates: Int = 100) throws -> RuleSearch {
        let columns = SampleLog.columns(isDown: SampleLog.routeOutages)
        let setting = RouteSetting(
            route: "r", configuration: SampleLog.configuration(), present: nil, columns: columns)
        let evidence = try #require(RouteEvidence(columns, setting: setting))
        return RuleSearch(
            facts: evidence.facts, candidates: setting.candidates(for: evidence), replicates: replicates, seed: 1)
    }

    @Test func theMatrixProductGivesWhatAPlainSumGives() throws {
        let search = try search(replicates: 20)
        let facts = search.facts
        let rules = Array(search.grid.prefix(5))
        let replicates: RuleReplicates = search.replicates(of: rules)
        let requests = try #require(OutageOutlook(facts, seed: 1)).requests
        let weights = Bootstrap(units: facts.units, replicates: 20, seed: 1).weights
        func mean(_ replicate: Int, _ units: [Int], _ costs: [Double], _ counts: [Double]) -> Double {
            var (cost, count) = (0.0, 0.0)
            for unit in units {
                cost += weights[replicate, unit] * costs[unit]
                count += weights[replicate, unit] * counts[unit]
            }
            return cost / count
        }
        let halves = search.halves
        for (place, rule) in rules.enumerated() {
            var crossed = rules[0].foreseenUs
            for unit in halves.second.units { crossed[unit] = rule.foreseenUs[unit] }
            for replicate in 0..<20 {
                let found = [
                    replicates.costsUs(place, onHalf: 0)[replicate], replicates.costsUs(place, onHalf: 1)[replicate],
                    replicates.costsUs(0, place)[replicate], replicates.recordedUs(place)[replicate],
                ]
                let expected = [
                    mean(replicate, halves.first.units, rule.foreseenUs, requests),
                    mean(replicate, halves.second.units, rule.foreseenUs, requests),
                    mean(replicate, halves.all.units, crossed, requests),
                    mean(replicate, halves.all.units, rule.totals.costUs, facts.requests),
                ]
                for (one, other) in zip(found, expected) { #expect(agrees(one, other, 1e-9 * other)) }
            }
        }
    }

    @Test func `both halves of the evidence hold every unit once, and as much cost`() throws {
        let search = try search()
        let halves = search.halves
        #expect((halves.first.units + halves.second.units).sorted() == halves.all.units)
        #expect(halves.all.units == Array(0..<search.facts.units))
        func cost(_ part: EvidencePart) -> Double { part.units.reduce(0) { $0 + search.facts.recorded.costUs[$1] } }
        #expect(abs(cost(halves.first) / cost(halves.second) - 1) < 0.2)
    }

    @Test func theBestIsNoDearerThanTheGridByMoreThanItsError() throws {
        let search = try search()
        let finals = try #require(RuleFinals(search, present: search.grid[0]))
        let all = search.halves.all
        let cheapest = try #require(search.grid.min { all.costUs($0) < all.costUs($1) })
        let replicates = search.replicates(of: [finals.chosen, cheapest])
        let margin = Bootstrap.standardError(zip(replicates.costsUs(0, 0), replicates.costsUs(1, 1)).map { $0 - $1 })
        #expect(all.costUs(finals.chosen) <= all.costUs(cheapest) + margin)
    }

    @Test func `finalists are the ends of their descents, whatever else is searched beside them`() throws {
        let search = try search()
        let halves = search.halves
        let together = search.finalists(on: [halves.all, halves.first, halves.second])
        for (place, part) in [halves.all, halves.first, halves.second].enumerated() {
            let alone = try self.search().finalists(on: [part])[0]
            #expect(together[place].map(\.rule) == alone.map(\.rule))
            // No neighbour within the load is cheaper by more than the step that descent heeds.
            for one in alone {
                let near = search.candidates?.neighbours(of: one.rule, stepping: [0.85, 1.18]).map(search.play) ?? []
                let least =
                    near.filter { part.extra($0) <= search.facts.objective.maxExtraAttempts }
                    .map(part.costUs).min() ?? .infinity
                #expect(least >= 0.998 * part.costUs(one))
            }
        }
    }

    @Test func aRuleIsPlayedTheSameTwice() throws {
        let search = try search()
        let rule = search.grid[10].rule
        #expect(search.play(rule).totals == search.grid[10].totals)
        var player = RulePlayer(search.facts)
        let alone = player.play([rule])[0]
        for unit in 0..<search.facts.units {
            let (one, other) = (alone.totals.costUs[unit], search.grid[10].totals.costUs[unit])
            #expect(abs(one - other) <= 1e-12 * other)
        }
    }

    @Test func aBudgetThatNeverBindsChangesNoPrice() throws {
        let search = try search()
        var rule = search.grid[30].rule
        rule.budget = BudgetPolicy(ratio: 10, minPerSecond: 1_000_000, windowUs: 10_000_000)
        let capped = search.play(rule)
        // The slow way goes through the budget itself, request by request.
        var machine = MachinePlay(rule, on: search.facts)
        machine.playWithBudget()
        for unit in 0..<search.facts.units {
            let (one, other) = (capped.totals.costUs[unit], machine.totals.costUs[unit])
            #expect(abs(one - other) <= 1e-6 * other + 1)
        }
        #expect(capped.refusedShare == 0 && machine.refusedShare == 0)
        #expect(capped.totals.extra.reduce(0, +) > 0)
    }
}
