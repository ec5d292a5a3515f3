/// The pages' looks: no network, light and dark, narrow and wide. Colours after Okabe and Ito (2008), which people with
/// any kind of colour vision can tell apart; before and after differ in dash and shape as well.
enum PageStyle {
    static let css = """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--card:#f6f7f9;--rule:#d7dce2;
        --before:#b8500a;--after:#00639c;--first:#00639c;--second:#117a52;--third:#b8500a;--fourth:#84479b;--outage:#f3c9a5;--dot:#9aa4af;
        --cand:#8792a0}
        @media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#a2acb8;--paper:#12161b;--card:#1b2129;
        --rule:#36404c;--before:#ff9a4d;--after:#63bdf2;--first:#63bdf2;--second:#4fd1a0;--third:#ff9a4d;--fourth:#d7a3ea;--outage:#6b4327;
        --dot:#6f7b88;--cand:#7e8a98}}*{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
        main{max-width:1200px;margin:0 auto;padding:24px 16px 64px}
        h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 .4em}h2{font-size:1.35rem;margin:2.2em 0 .2em}
        h3{font-size:1rem;margin:0 0 .2em}p{margin:.4em 0;max-width:75ch}
        .soft,figcaption{color:var(--soft);font-size:.92rem}
        .warning{border-left:4px solid var(--before);padding-left:12px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
        .tile,figure,.rule{background:var(--card);border:1px solid var(--rule);border-radius:10px;
        padding:12px 14px;margin:0;min-width:0}.tile b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
        .tile .was,.tile .now{white-space:nowrap}.tile .was{color:var(--before)}.tile .now{color:var(--after)}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:14px;
        margin:14px 0}.wide{margin:14px 0}.scroll{overflow-x:auto}.scroll::-webkit-scrollbar{height:9px}
        .scroll::-webkit-scrollbar-thumb{background:var(--cand);border-radius:5px}
        .hint{display:none}@media (max-width:1000px){.hint{display:block}}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
        th,td{padding:6px 8px;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
        th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
        .words td:nth-child(2){white-space:normal;min-width:15em}
        th{color:var(--soft);font-weight:600}tr.all td{font-weight:600}
        pre{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:12px 14px;
        overflow-x:auto;font-size:.9rem}svg{display:block;width:100%;height:auto;font-family:inherit}
        svg.plot:not(.large):not(.narrow){min-width:440px}svg.timeline{min-width:860px}.grid{stroke:var(--rule);stroke-width:.7}
        .frame{stroke:var(--soft);stroke-width:1}.tick{fill:var(--soft);font-size:11.5px}
        .axis{fill:var(--ink);font-size:12.5px}.note{fill:var(--soft);font-size:11.5px}
        .strong{fill:var(--ink);font-size:13px;font-weight:600}
        .line{fill:none;stroke-width:2.2;stroke-linejoin:round}
        .line.before{stroke:var(--before);stroke-dasharray:7 4}.line.after{stroke:var(--after)}
        .line.first{stroke:var(--first)}.line.second{stroke:var(--second);stroke-dasharray:7 4}
        .line.third{stroke:var(--third);stroke-dasharray:2 3}.line.fourth{stroke:var(--fourth);stroke-dasharray:9 3 2 3}
        .line.fifth{stroke:var(--soft);stroke-width:1.4}
        .band{opacity:.2;stroke:none}.band.first{fill:var(--first)}.band.second{fill:var(--second)}
        .band.third{fill:var(--third)}.band.fourth{fill:var(--fourth)}
        circle.first,rect.first,path.first:not(.line):not(.band){fill:var(--first)}
        circle.second,rect.second,path.second:not(.line):not(.band){fill:var(--second)}
        path.third:not(.line):not(.band),circle.third,rect.third{fill:var(--third)}circle.fourth,rect.fourth{fill:var(--fourth)}
        .interval.first{stroke:var(--first)}.interval.second{stroke:var(--second)}
        .interval.third{stroke:var(--third)}.interval.fourth{stroke:var(--fourth)}
        .lane{fill:var(--ink);font-size:12px}.report td:nth-child(-n+2),.report th:nth-child(-n+2){text-align:right}
        .report td.text,.report th.text{text-align:left}.index{columns:16em;padding-left:1.2em}
        .report .pair{grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));align-items:start}.pair>details{grid-column:1/-1}
        .report th{white-space:normal;vertical-align:bottom}.ends{display:block;color:var(--soft);font-size:.92em}
        .pair>*{min-width:0}.across{grid-column:1/-1}summary{cursor:pointer;margin:.6em 0}svg.narrow{display:none;min-width:0}
        @media (max-width:640px){svg.narrow{display:block}svg.large{display:none}}
        .interval{stroke-width:1.6}.interval.candidate{stroke:var(--cand);opacity:.28;stroke-width:1}
        .interval.before{stroke:var(--before)}.interval.after{stroke:var(--after)}
        circle.candidate{fill:var(--cand)}rect.before{fill:var(--before)}path.after:not(.line){fill:var(--after)}
        .marker.cap{stroke:var(--soft);stroke-dasharray:3 3}.strip{fill:var(--paper);stroke:var(--rule)}
        .outage{fill:var(--outage)}.answered{stroke:var(--dot);stroke-width:2.6;stroke-linecap:round;fill:none}
        .failed{stroke:var(--before);stroke-width:1.3;fill:none}.saved{fill:var(--after)}
        .key .answered{stroke-width:6}.wasted{fill:var(--paper);stroke:var(--before);stroke-width:1.3}
        .key{display:inline-flex;align-items:center;gap:6px;margin-right:16px;white-space:nowrap}
        .key svg{width:26px;height:14px;flex:none}
        @media print{.scroll{overflow:visible}svg.plot:not(.large):not(.narrow),svg.timeline{min-width:0}figure{break-inside:avoid}}
        """
}
