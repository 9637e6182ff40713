// CrowdHuman's one class. Data only.
import { labelSpace } from '../label-space.js';

/** CrowdHuman, 1 label (Shao et al., CrowdHuman, 2018). */
export const crowdhuman = /* @__PURE__ */ labelSpace('crowdhuman', [{ id: 1, name: 'person' }]);

export default crowdhuman;
