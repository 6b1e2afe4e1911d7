"""Frequent reasons, and with what they are usually examined."""

X, U, C, M, G = ("DX", "CR"), ("US",), ("CT",), ("MR",), ("MG",)

REASONS: dict[str, tuple[str, ...]] = {
    "Cough for more than 2 weeks": (*X, *C),
    "Fever and cough, pneumonia?": (*X, *C),
    "Contact with tuberculosis": (*X, *C),
    "Before an operation": (),
    "Shortness of breath": (*X, *C),
    "Chest pain after a fall": (*X, *C),
    "Fall on the outstretched hand, fracture?": (*X, *C),
    "Head injury": C,
    "Sudden weakness on one side, stroke?": (*C, *M),
    "Headache, new or changed": (*C, *M),
    "Pain in the right upper abdomen, gallstones?": (*U, *C, *M),
    "Raised liver values": (*U, *C, *M),
    "Blood in the urine": (*U, *C),
    "Flank pain, kidney stone?": (*U, *C),
    "Lower abdominal pain": (*U, *C),
    "Pregnancy, routine examination": U,
    "Pregnancy, no movements felt": U,
    "Nodule in the neck": (*U, *C, *M),
    "Dizziness, narrowing of the neck arteries?": (*U, *C, *M),
    "Swollen leg, thrombosis?": U,
    "Weight loss, tumour?": (),
    "Back pain for more than 6 weeks": (*X, *M, *C),
    "Knee pain, osteoarthritis?": X,
    "Knee injury, meniscus or ligament?": M,
    "Lump in the breast": (*G, *U, *M),
    "Breast screening": G,
    "Follow-up of a known finding": (),
}
