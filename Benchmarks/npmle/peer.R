# One peer in R on one file of intervals; one JSON object on stdout: Rscript peer.R npsurv|survival FILE
arguments <- commandArgs(TRUE)
rows <- read.csv(arguments[2], colClasses = "character")
left <- as.numeric(rows[[1]])
right <- as.numeric(rows[[2]])
right[is.na(right)] <- Inf
suppressMessages(library(arguments[1], character.only = TRUE))
if (arguments[1] == "npsurv") {
  took <- system.time(law <- npsurv(cbind(left, right), maxit = 1000))[["user.self"]]
  likelihood <- law$ll
} else {
  ends <- Surv(ifelse(left == 0, NA, left), ifelse(is.finite(right), right, NA), type = "interval2")
  took <- system.time(law <- survfit(ends ~ 1, se.fit = FALSE, timefix = FALSE))[["user.self"]]
  survival <- stepfun(law$time, c(1, law$surv))
  likelihood <- sum(log(survival(left) - ifelse(is.finite(right), survival(pmin(right, 1e300)), 0)))
}
cat(sprintf('{"peer": "%s %s", "seconds": %.4f, "log_likelihood": %s}\n', arguments[1],
  packageVersion(arguments[1]), took, if (is.finite(likelihood)) sprintf("%.12g", likelihood) else '"-inf"'))
