// Answers with what is learnt, in a worker of a page.
import { learnLabels } from './learn-labels.mjs';

learnLabels().then(
  (learnt) => postMessage(learnt),
  (error) => postMessage({ error: String(error) }),
);
