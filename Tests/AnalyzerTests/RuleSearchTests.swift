import Retry
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
        let rules = Array(search.grid.prefix(5))
        let units = Array(stride(from: 0, to: search.facts.units, by: 2))
        let costs = search.replicateCosts(rules, on: units)
        let weights = Bootstrap(units: units.count, replicates: 20, seed: 1).weights
        for (column, rule) in rules.enumerated() {
            for replicate in 0..<20 {
                var (cost, requests) = (0.0, 0.0)
                for (place, unit) in units.enumerated() {
                    cost += weights[replicate, place] * rule.totals.costUs[unit]
                    requests += weights[replicate, place] * search.facts.requests[unit]
                }
                #expect(abs(costs[replicate, column] - cost / requests) < 1e-9 * cost / requests)
            }
        }
    }

    @Test func theBestIsNoDearerThanTheGridByMoreThanItsError() throws {
        let search = try search()
        let all = Array(0..<search.facts.units)
        let best = try #require(search.best(on: all))
        let cheapest = try #require(search.grid.min { search.cost($0, all) < search.cost($1, all) })
        let replicated = search.replicateCosts([best, cheapest], on: all)
        let margin = Bootstrap.standardError(zip(replicated.column(0), replicated.column(1)).map { $0 - $1 })
        #expect(search.cost(best, all) <= search.cost(cheapest, all) + margin)
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
